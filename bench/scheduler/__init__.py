"""The live scheduler under load: the worker loop, the pool and the policy ring, with engines that only sleep."""
