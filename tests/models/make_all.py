#!/usr/bin/env python3
"""Makes every test model into a folder: `python tests/models/make_all.py target/test-models`."""

import sys
import warnings
from pathlib import Path

import autoencoder
import bad_models
import detector
import mlp
import odd_models
import preparation
import recurrent
import slow

warnings.filterwarnings("ignore", category=FutureWarning)
folder = Path(sys.argv[1])
for script in (mlp, autoencoder, odd_models, preparation, recurrent, slow, bad_models, detector):
    script.main(folder)
