from grader.checker.misconceptions import misconception, reference
