"""The core: what a sprint is and what may happen to it. Pure: no clock, disk, process or randomness below `engine`."""
