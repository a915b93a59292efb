"""What a trained model is worth, worked out on our side from what it answered.

In no learner's kit: who measures an IoU and an average precision has written what ex10 and ex11 ask for.
"""
