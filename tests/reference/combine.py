"""Writes combine.json: what NumPy, SciPy and Python say of the transforms and ensembles in pipelines/src/combine.

pipelines/src/combine/tests is tested against it. Run it beside the file that it writes, with combine-requirements.txt
installed: python combine.py. Not-a-number is written as null.
"""

import json
from collections import Counter
from pathlib import Path

import numpy as np
from scipy import special

RNG = np.random.default_rng(20240607)

NAMES = {"bool": "BOOL", "float32": "FP32", "float64": "FP64"}


def tensor(array):
    array = np.asarray(array)
    kind = array.dtype
    data = array.ravel().tolist()
    if kind.kind == "T" or kind.kind == "U":
        name = "BYTES"
    else:
        name = NAMES.get(kind.name, kind.name.upper())
    if kind.kind == "f":
        # A float of 32 bits in its own digits, not in those of the double next to it.
        data = [None if np.isnan(x) else float(str(x)) for x in array.ravel()]
    return {"name": "x", "datatype": name, "shape": list(array.shape), "data": data}


def case(what, of, gives, batched=False, **settings):
    return {
        "what": what,
        "settings": settings,
        "of": [tensor(x) for x in of],
        "batched": batched,
        "gives": tensor(gives),
    }


def floats(*shape, kind="float32"):
    return RNG.normal(0, 3, shape).astype(kind)


def texts(values):
    return np.array(values, dtype=np.dtypes.StringDType())


def casts():
    numbers = np.array([-2.75, -0.5, 0.0, 0.5, 1.5, 100.999, 65504.0], dtype="float64")
    wide = np.array([0, 1, 255, 16777217, 9007199254740993, 2**63 - 1], dtype="int64")
    yield case("cast", [numbers], numbers.astype("int32"), to="INT32")
    yield case("cast", [numbers], numbers.astype("float32"), to="FP32")
    yield case("cast", [numbers.astype("float32")], numbers.astype("float32").astype("float64"), to="FP64")
    yield case("cast", [numbers], numbers.astype("bool"), to="BOOL")
    yield case("cast", [wide], wide.astype("float32"), to="FP32")
    yield case("cast", [wide], wide.astype("float64"), to="FP64")
    yield case("cast", [wide], wide.astype("uint64"), to="UINT64")
    yield case("cast", [np.array([True, False])], np.array([1, 0], dtype="uint8"), to="UINT8")
    yield case("cast", [np.array([-128, 7, 127], dtype="int8")], texts(["-128", "7", "127"]), to="BYTES")


def shapes():
    x = floats(2, 3, 4)
    yield case("reshape", [x], x.reshape(4, -1), shape=[4, -1])
    yield case("reshape", [x], x.reshape(2, 2, 6), batched=True, shape=[-1, 6])
    yield case("transpose", [x], x.transpose())
    yield case("transpose", [x], x.transpose(0, 2, 1), batched=True)
    yield case("transpose", [x], x.transpose(2, 0, 1), axes=[2, 0, -2])
    y = RNG.integers(0, 100, (2, 3, 2, 4))
    for axes in [(0, 2, 1, 3), (0, 3, 1, 2), (1, 0, 2, 3), (3, 2, 1, 0), (0, 1, 3, 2)]:
        yield case("transpose", [y], y.transpose(axes), axes=list(axes))
    for axis in [0, 1, -1]:
        yield case("concat", [x, 2 * x, x], np.concatenate([x, 2 * x, x], axis), axis=axis)
    for axis in [0, 1, -2, -1]:
        yield case("stack", [x, 2 * x], np.stack([x, 2 * x], axis), axis=axis)
        indices = [y.shape[axis] - 1, 0, -1, -y.shape[axis]]
        yield case("select", [y], np.take(y, indices, axis), axis=axis, indices=indices)
        yield case("select", [y], np.take(y, 1, axis), axis=axis, index=1)
    yield case("select", [y], y[..., 1:-1], start=1, stop=-1)
    yield case("select", [y], y[:, -2:], axis=1, start=-2)
    yield case("select", [y], y[:, :, 1:0], axis=2, start=1, stop=0)
    yield case("select", [y], y[:, :99], axis=1, stop=99)
    words = texts([["a", "b"], ["c", "d"]])
    yield case("transpose", [words], words.transpose())


def numbers():
    for kind in ["float32", "float64"]:
        x = floats(3, 5, kind=kind)
        mean, scale = [round(m, 3) for m in RNG.normal(0, 1, 5)], [0.5, 2.0, 1.25, 3.0, 0.1]
        yield case("normalise", [x], ((x - np.array(mean)) / np.array(scale)).astype(kind), mean=mean, scale=scale)
        yield case("normalise", [x], ((x - np.float64(0.25)) / np.array(scale)).astype(kind), mean=[0.25], scale=scale)
        yield case("clip", [x], np.clip(x, -1.5, 2), low=-1.5, high=2.0)
        yield case("clip", [x], np.clip(x, None, 0), high=0.0)
        yield case("softmax", [x], special.softmax(x, axis=-1))
        yield case("sigmoid", [x], special.expit(x))
        far = np.array([[1000.0, 1000.0, -1000.0], [-1e4, -1e4 + 1, -1e4]], dtype=kind)
        yield case("softmax", [far], special.softmax(far, axis=-1), batched=True)
        yield case("sigmoid", [far], special.expit(far))
        with_nan = np.array([[1.0, np.nan, 2.0], [3.0, 1.0, 3.0]], dtype=kind)
        yield case("softmax", [with_nan], special.softmax(with_nan, axis=-1))
        yield case("clip", [with_nan], np.clip(with_nan, 1.5, 2.5), low=1.5, high=2.5)
        yield case("argmax", [with_nan], with_nan.argmax(-1), batched=True)
        yield case("argmax", [x], x.argmax(-1))
        for k in [1, 3, 5]:
            places = np.argsort(-x, axis=-1, kind="stable")[:, :k]
            yield case("top_k", [x], np.take_along_axis(x, places, -1), k=k)
            yield case("top_k_indices", [x], places, batched=True, k=k)
    whole = RNG.integers(0, 4, (3, 6)).astype("int32")
    for k in [2, 4, 6]:
        yield case("top_k_indices", [whole], np.argsort(-whole, axis=-1, kind="stable")[:, :k], k=k)
    yield case("argmax", [whole], whole.argmax(-1))
    yield case("clip", [whole], np.clip(whole, 1, 2), low=1.0, high=2.0)
    yield case("one_hot", [whole], np.eye(5, dtype="float32")[whole], size=5)


def strings():
    words = [" Straße ", "ΟΔΥΣΣΕΥΣ", "İstanbul", "naïve\t", "", "日本語 "]
    yield case("lower", [texts(words)], texts([w.lower() for w in words]))
    yield case("upper", [texts(words)], texts([w.upper() for w in words]))
    yield case("trim", [texts(words)], texts([w.strip() for w in words]))
    yield case("replace", [texts(words)], texts([w.replace("s", "zz") for w in words]), **{"from": "s", "to": "zz"})
    yield case("length", [texts(words)], np.array([len(w) for w in words]))
    others = [str(n) for n in range(6)]
    joint = ["/".join(pair) for pair in zip(words, others)]
    yield case("concat_text", [texts(words), texts(others)], texts(joint), separator="/")
    labels = ["cat", "dog", "bird"]
    yield case("lookup", [np.array([[2, 0], [1, 1]])], texts([["bird", "cat"], ["dog", "dog"]]), labels=labels)
    yield case("index_of", [texts(["dog", "cow"])], np.array([1, -1]), labels=labels, default=-1)


def ensembles():
    for kind in ["float32", "float64"]:
        members = [floats(4, 3, kind=kind) for _ in range(4)]
        wide = [m.astype("float64") for m in members]
        weights = [0.5, 2.0, 0.0, 1.25]
        for some in [members, members[:3]]:
            yield case("mean", some, np.mean(wide[: len(some)], axis=0).astype(kind), batched=True)
            yield case("median", some, np.median(wide[: len(some)], axis=0).astype(kind))
            yield case("min", some, np.min(some, axis=0))
            yield case("max", some, np.max(some, axis=0), batched=True)
            part = weights[: len(some)]
            gives = np.average(wide[: len(some)], axis=0, weights=part).astype(kind)
            yield case("weighted", some, gives, weights=part)
        gap = members[0].copy()
        gap[1, 1] = np.nan
        holed = [members[1], gap, members[2]]
        for name, of_numpy in [("mean", np.mean), ("median", np.median), ("min", np.min), ("max", np.max)]:
            yield case(name, holed, of_numpy(holed, axis=0).astype(kind))
        yield case("concat", members, np.concatenate(members, -1), batched=True)
        yield case("stack", members, np.stack(members, -1), batched=True)
    whole = [RNG.integers(-9, 9, 7) for _ in range(4)]
    yield case("mean", whole, np.mean(whole, axis=0))
    yield case("median", whole, np.median(whole, axis=0))
    yield case("max", whole, np.max(whole, axis=0))
    for n in [2, 3, 5]:
        voters = [RNG.integers(0, 3, 12) for _ in range(n)]
        # Of those with equally many it names the one that it met first.
        gives = [Counter(votes).most_common(1)[0][0] for votes in zip(*[v.tolist() for v in voters])]
        yield case("vote", voters, np.array(gives), batched=True)
        worded = [texts([["low", "mid", "high"][x] for x in v]) for v in voters]
        yield case("vote", worded, texts([["low", "mid", "high"][x] for x in gives]))
    voters = [RNG.integers(0, 3, 12) for _ in range(4)]
    weights = [0.5, 2.0, 1.0, 1.25]
    gives = []
    for votes in zip(*[v.tolist() for v in voters]):
        counted = Counter()
        for vote, weight in zip(votes, weights):
            counted[vote] += weight
        gives.append(counted.most_common(1)[0][0])
    yield case("vote", voters, np.array(gives), weights=weights)


def main():
    ops = [*casts(), *shapes(), *numbers(), *strings()]
    data = {"transforms": ops, "ensembles": list(ensembles())}
    lines = [f'"{name}": [\n' + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]" for name, rows in data.items()]
    (Path(__file__).parent / "combine.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
