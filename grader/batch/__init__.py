"""A class of submissions: each graded as if it were alone, by warm processes, what was found kept after every one.

`run` is the page to read first. Grading travels as bytes: a parcel goes to a job, a result comes back, whether the job
is a process of this machine (`pool`) or sits on another one (`cluster`).
"""
