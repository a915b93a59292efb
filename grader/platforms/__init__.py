"""Where a course runs that is not this command line: one room a platform, and grading knows none of them."""
