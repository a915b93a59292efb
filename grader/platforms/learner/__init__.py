"""`grade release learner`: a repository that a learner can be given, with a grader that has nothing hidden in it."""
