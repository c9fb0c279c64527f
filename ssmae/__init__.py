"""SSMAE: a semi-supervised masked autoencoder with a validation-driven gate. Imports nothing: see the modules."""

import os

# OpenMP's threads wait for each other by spinning. On a machine that does anything else at the same time, such as
# serving pages, that costs a small network a factor of twenty and more; sleeping costs it a tenth. OpenMP reads the
# variable when torch is loaded, so it is set here, before any module of this package can do that.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
