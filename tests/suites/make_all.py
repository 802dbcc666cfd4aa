#!/usr/bin/env python3
"""Writes reference cases: `python tests/suites/make_all.py OUT_DIR [SUITE ...]` (all suites without
names). A suite that is already there is replaced. The layout is in cases.py."""

import os
import shutil
import sys
import time
from importlib import import_module
from pathlib import Path

# Imported when asked for: some need packages that take seconds to load.
MODULES = {
    "node": "node",
    "simple": "shipped",
    "pytorch-converted": "shipped",
    "pytorch-operator": "shipped",
    "light": "shipped",
    "sklearn": "skl_suite",
    "sklearn-differs": "skl_suite",
    "boosters": "boosters",
    "boosters-differs": "boosters",
    "quant": "quant",
    "quant-contrib": "quant",
    "fused": "fused",
    "whole": "whole",
    "classical": "classical",
}


def main():
    out = Path(sys.argv[1])
    suites = sys.argv[2:] or list(MODULES)
    if unknown := [suite for suite in suites if suite not in MODULES]:
        sys.exit(f"no such suite: {', '.join(unknown)}; there are {', '.join(MODULES)}")
    # What comes from one module is made together.
    suites = [suite for suite in MODULES if MODULES[suite] in {MODULES[wanted] for wanted in suites}]
    for suite in suites:
        shutil.rmtree(out / suite, ignore_errors=True)
    for module in dict.fromkeys(MODULES[suite] for suite in suites):
        started = time.monotonic()
        chosen = [suite for suite in suites if MODULES[suite] == module]
        import_module(module).main(out, chosen)
        took = time.monotonic() - started
        for suite in chosen:
            print(f"{suite}: {len(list((out / suite).glob('*/case.json')))} cases")
        print(f"  {took:.1f} s", flush=True)
    import_module("inference").main(out)


if __name__ == "__main__":
    # The exporters order things by hashes: with a fixed seed, and one thread, files come out the same.
    fixed = {"PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    if any(os.environ.get(key) != value for key, value in fixed.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **fixed})
    main()
