class Guard:
    filename=None
    refusals=[]
    def check_bases(self,c): return None
    def run_backward(self,*a,**k):
        import torch
        return torch.autograd.grad(*a,**k)
def arm(bans, device="cpu"): return Guard()
