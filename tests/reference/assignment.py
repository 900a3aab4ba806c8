"""Writes assignment.json: what GrowthBook's own SDK says of hashes, namespaces and variations.

pipelines/src/bucket is tested against it, so that whoever holds a stock SDK reproduces an assignment. Run it beside
the file that it writes, with requirements.txt installed: python assignment.py
"""

import json
from pathlib import Path

from growthbook.core import chooseVariation, gbhash, getBucketRanges, inNamespace

SEEDS = ["", "seed", "foo", "exp1", "checkout-2", "größe", "实验", "🦀"]
KEYS = ["", "a", "b", "ab", "müller", "Ångström", "用户-17", "👩‍🔬", "user 1", "0", "4294967295", "x" * 200]
KEYS += [f"user-{n}" for n in range(20)]

NAMESPACES = [("checkout", 0.0, 0.4), ("checkout", 0.4, 1.0), ("größe", 0.25, 0.5), ("n", 0.123, 0.124)]

# In basis points. Where the SDK's sums of doubles are off by a rounding error at a border, the slot of that border
# falls to the other side; these are sums without.
WEIGHTS = [[10000], [5000, 5000], [9900, 100], [3400, 3300, 3300], [2500, 2500, 2500, 2500], [0, 7000, 3000]]


def main():
    hashes = [
        {"seed": seed, "key": key, "version": version, "n": gbhash(seed, key, version)}
        for seed in SEEDS
        for key in KEYS
        for version in (1, 2)
    ]
    namespaces = [
        {"name": name, "from": low, "to": high, "members": [key for key in keys if inNamespace(key, (name, low, high))]}
        for keys in [KEYS + [f"customer-{n}" for n in range(200)]]
        for name, low, high in NAMESPACES
    ]
    variations = []
    for weights in WEIGHTS:
        ranges = getBucketRanges(len(weights), 1, [weight / 10000 for weight in weights])
        owners = [chooseVariation(slot / 10000, ranges) for slot in range(10000)]
        runs = [[owners[0], 0]]
        for owner in owners:
            if owner != runs[-1][0]:
                runs.append([owner, 0])
            runs[-1][1] += 1
        variations.append({"weights": weights, "runs": runs})
    here = Path(__file__).parent
    data = {"hashes": hashes, "namespaces": namespaces, "variations": variations}
    lines = [f'"{name}": [\n' + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]" for name, rows in data.items()]
    (here / "assignment.json").write_text("{" + ",\n".join(lines) + "}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
