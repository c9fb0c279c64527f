"""What `python -m ssmae` can do.

The options of all commands are in `arguments`, which is light; the work of each is in `train`, `evaluate`, `predict`,
`export`, `bench` and `knobs`. What they share: which image does what (`division`, `sample_size`, `past`, `unlabelled`,
`content`), reading (`folders`, `opening`), saying (`announcing`, `progress`), and what every program of this package
needs (`options`, `help`, `status`).
"""
