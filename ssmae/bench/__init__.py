"""How fast the learner is, beside the plainest PyTorch loop of the same network in the same run."""
