#!/usr/bin/env python3
"""Fits the calibration that is shipped (assets/calibration.toml) on recorded cases, and says how it does on those left out.

usage: docs/measure/calibrate.py WARROOM CASES_DIR OUT.toml [--keep FOLDER]

CASES_DIR holds recorded cases in any depth. The detectors were written while looking at them, so as they are nearly all are answered
right, and a calibration fitted on that would boast. So each case is judged as it is and altered (docs/measure/robust.py: other names, a
third left out, a third of the series gone, the page late, nothing wrong yet), and AI incidents are made of real runs by dice of seeds
that no weight was set on (docs/measure/splice.py). Variants of one case are never fitted on and tested on at once. Standard library only;
the same cases give the same file. `warroom backtest --fit` does the fitting.
"""
import json, os, random, shutil, subprocess, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import robust  # noqa: E402

ALTERED = [("as it is", 1), ("names", 1), ("thin", 1), ("thin", 2), ("metrics", 1), ("metrics", 2), ("late", 1), ("quiet", 1)]
SPLICED = [3, 4, 5]


def cases(root):
    for path, _, files in sorted(os.walk(root)):
        if "bundle.json" in files and "truth.json" in files:
            yield path


def make(root, out):
    """Every case as it is and altered, and spliced ones, under `out`; each says in truth.json of which recorded case it is."""
    folders = list(cases(root))
    agents = False
    for folder in folders:
        case = robust.read(folder)
        family = case["truth.json"].get("family", "changes")
        agents |= family == "agents"
        if family == "storms":
            continue
        name = case["bundle.json"]["name"]
        # Two recordings of one fault, differing in the stated onset alone, are one case.
        of = os.path.basename(folder).removesuffix("-late").removesuffix("-exact")
        for alteration, seed in ALTERED:
            altered = robust.ALTERATIONS[alteration](robust.copy(case), random.Random(f"{seed} {alteration} {name}"))
            if altered is None:
                continue
            variant = f"{name} {alteration} {seed}"
            altered["bundle.json"]["name"] = variant
            altered["truth.json"].update({"of": of, "family": family.removesuffix("-late"), "alteration": alteration})
            robust.write(altered, os.path.join(out, family, variant.replace(" ", "_")))
    for seed in SPLICED if agents else []:
        to = os.path.join(out, f"spliced-{seed}")
        subprocess.run([sys.executable, os.path.join(HERE, "splice.py"), root, to, "--seed", str(seed)], check=True, stdout=subprocess.DEVNULL)
        for folder in cases(to):
            path = os.path.join(folder, "truth.json")
            with open(path, encoding="utf-8") as file:
                truth = json.load(file)
            truth.update({"of": os.path.basename(folder), "alteration": "spliced"})
            with open(path, "w", encoding="utf-8") as file:
                json.dump(truth, file)


def main(warroom, root, out, *more):
    keep = more[1] if more[:1] == ("--keep",) else None
    work = keep or tempfile.mkdtemp(prefix="calibrate-")
    try:
        if not os.path.isdir(os.path.join(work, "petshop")):
            make(root, work)
        return subprocess.run([warroom, "backtest", "--fit", out, work]).returncode
    finally:
        if not keep:
            shutil.rmtree(work)


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
