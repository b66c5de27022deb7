#!/usr/bin/env python3
"""Makes the two demo incidents again: `python3 assets/demo/make.py`. Everything in them is invented.

The same script gives the same bytes. The incidents are ordinary bundles, replayed by the ordinary path; `truth.json` is read
by the scorer only.
"""

import os

import ai
import infra

here = os.path.dirname(os.path.abspath(__file__))
for name, make in [("ai", ai.make), ("infra", infra.make)]:
    folder = os.path.join(here, name)
    make(folder)
    size = sum(os.path.getsize(os.path.join(folder, file)) for file in os.listdir(folder))
    print(f"{name}: {size / 1024:.0f} KiB")
