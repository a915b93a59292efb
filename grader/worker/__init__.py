"""The untrusted side of the wall: small enough to audit in one sitting. It knows no other room of the grader."""
