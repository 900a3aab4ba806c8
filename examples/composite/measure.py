"""Tells what the graphs of this example are worth on rows held back from every training, and holds their `[[tests]]`.

The graphs are walked here once more by hand, with ONNX Runtime on the files in `models/` and the settings in
`pipelines/`, so that the numbers in README.md and in the tests are not the daemon's own.
"""

import json
import re
import time
import tomllib
from pathlib import Path

import numpy as np
import onnxruntime as rt
import yaml

HERE = Path(__file__).resolve().parent


def load(file):
    text = (HERE / "pipelines" / file).read_text()
    return yaml.safe_load(text) if file.endswith(".yaml") else tomllib.loads(text)


def session(name, number=1):
    options = rt.SessionOptions()
    options.intra_op_num_threads = 1
    # What a broken version fails with is told below.
    options.log_severity_level = 4
    path = HERE / "models" / name / str(number) / "model.onnx"
    return rt.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


MODELS = {name: session(name) for name in ("scaler", "linear", "forest", "net", "cheap", "strong", "penguins")}


def ask(name, **inputs):
    model = MODELS[name]
    names = [output.name for output in model.get_outputs()]
    return dict(zip(names, model.run(names, inputs)))


# === the graphs ===


def vote(policy, inputs, missing=()):
    nodes = policy["nodes"]
    scaled = ask("scaler", X=inputs["features"])["scaled"]
    there = [
        (member.split(".")[0], weight)
        for member, weight in zip(nodes["mean"]["of"], nodes["mean"]["weights"])
        if member.split(".")[0] not in missing
    ]
    assert len(there) >= nodes["mean"]["quorum"]
    parts = [ask(name, X=scaled)["probabilities"] for name, _ in there]
    mean = np.average(parts, axis=0, weights=[weight for _, weight in there]).astype(np.float32)
    labels = np.array(nodes["diagnosis"]["labels"], object)
    path = {"scaled", *(name for name, _ in there), "mean", "place", "diagnosis"}
    return {"diagnosis": labels[mean.argmax(1)], "probabilities": mean}, path


def cascade(policy, inputs):
    (threshold,) = re.findall(r"sure > ([0-9.]+)", policy["nodes"]["route"]["switch"][0]["when"])
    out = ask("cheap", X=inputs["X"])
    sure = out["probabilities"].max(1)
    doubtful = ~(sure > float(threshold))
    path = {"cheap", "sure", "route"}
    if doubtful.any():
        path.add("strong")
        better = ask("strong", X=inputs["X"][doubtful])
        for name in ("label", "probabilities"):
            out[name][doubtful] = better[name]
    return {**out, "sure": sure}, path


def species(policy, inputs):
    words = {
        name: np.array([[word.strip().lower() for word in row] for row in inputs[name]], object)
        for name in ("island", "sex")
    }
    out = ask("penguins", bill_length_mm=inputs["bill_length_mm"], **words)
    labels = np.array(policy["nodes"]["name"]["labels"], object)
    return {"species": labels[out["label"]], "sure": out["probabilities"].max(1)}, set(policy["nodes"])


GRAPHS = {"vote": vote, "vote_yaml": vote, "cascade": cascade, "species": species}


# === the tests in the files ===


def values(table):
    """The values of a test, in it or in the file that it names."""
    for name, value in table.items():
        if isinstance(value, dict):
            value = json.loads((HERE / "pipelines" / value["file"]).read_text())
        text = np.array(value).dtype.kind == "U"
        yield name, np.array(value, object if text else np.float32)


def hold(file):
    """Compares what a file's tests expect with the walk by hand."""
    document = load(file)
    for test in document["tests"]:
        name = test["pipeline"]
        got, path = GRAPHS[name](document["pipelines"][name]["policy"], dict(values(test["inputs"])))
        for output, expected in values(test["expect"]):
            assert got[output].shape == expected.shape, (file, test["name"], output)
            if got[output].dtype == np.float32:
                np.testing.assert_allclose(got[output], expected, atol=test["tolerance"], err_msg=test["name"])
            else:
                assert (got[output] == expected).all(), (file, test["name"], output, got[output])
        assert path == set(test["path"]), (file, test["name"], path)
        assert not path & set(test.get("skipped", [])), (file, test["name"], path)
    print(f"{file}: {len(document['tests'])} tests hold")


def hold_same(one, other):
    """Two files say the same but for their pipelines' names."""
    pipelines, tests = zip(*((list(load(file)["pipelines"].values()), load(file)["tests"]) for file in (one, other)))
    assert pipelines[0] == pipelines[1], (one, other)
    for a, b in zip(*tests, strict=True):
        assert {**a, "pipeline": None} == {**b, "pipeline": None}, (one, other, a["name"])
    print(f"{one} and {other} say the same")


# === what they are worth ===


def held(name):
    rows = json.loads((HERE / "held" / f"{name}.json").read_text())
    return rows, np.array([row["label"] for row in rows])


def share(right):
    return f"{100 * np.mean(right):.1f} % of {len(right)}"


def worth_of_vote():
    policy = load("vote.toml")["pipelines"]["vote"]["policy"]
    rows, y = held("cells")
    x = np.array([row["features"] for row in rows], np.float32)
    scaled = ask("scaler", X=x)["scaled"]
    for name in ("linear", "forest", "net"):
        print(f"{name}: {share(ask(name, X=scaled)['label'] == y)}")
    truth = np.array(policy["nodes"]["diagnosis"]["labels"], object)[y]
    for missing in ([], ["linear"], ["forest"], ["net"]):
        out, _ = vote(policy, {"features": x}, missing)
        print(f"vote without {missing or 'none'}: {share(out['diagnosis'] == truth)}")
    broken = session("net", 2)
    failed = 0
    for row in scaled:
        try:
            broken.run(None, {"X": row[None]})
        except Exception:  # the runtime has a class for each of its codes
            failed += 1
    zero = np.zeros((1, scaled.shape[1]), np.float32)
    broken.run(None, {"X": zero})
    print(f"net 2 fails for {failed} of {len(scaled)} rows, and not for an average one")


def seconds(work):
    """The least of many runs."""
    times = []
    for _ in range(30):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return min(times)


def worth_of_cascade():
    policy = load("cascade.toml")["pipelines"]["cascade"]["policy"]
    rows = json.loads((HERE.parent / "traffic" / "digits.json").read_text())
    x = np.array([row["pixels"] for row in rows], np.float32)
    y = np.array([row["label"] for row in rows])
    for name in ("cheap", "strong"):
        print(f"{name}: {share(ask(name, X=x)['label'] == y)}")
    out, _ = cascade(policy, {"X": x})
    strong = ask("strong", X=x)["label"]
    print(f"cascade: {share(out['label'] == y)}; as the strong one says: {share(out['label'] == strong)}")
    (threshold,) = re.findall(r"sure > ([0-9.]+)", policy["nodes"]["route"]["switch"][0]["when"])
    print(f"by the cheap one: {share(out['sure'] > float(threshold))}")
    for size in (1, 30, len(x)):
        times = {name: seconds(lambda: ask(name, X=x[:size])) for name in ("cheap", "strong")}
        line = ", ".join(f"{name} {1e6 * took / size:.1f} µs a row" for name, took in times.items())
        print(f"{size} rows: {line}: {times['strong'] / times['cheap']:.0f} times")
    whole = seconds(lambda: cascade(policy, {"X": x}))
    always = seconds(lambda: ask("strong", X=x))
    print(f"all {len(x)} rows: cascade {1e3 * whole:.2f} ms, always the strong one {1e3 * always:.2f} ms")


def worth_of_species():
    policy = load("species.toml")["pipelines"]["species"]["policy"]
    rows, y = held("penguins")
    inputs = {
        "bill_length_mm": np.array([[row["bill_length_mm"]] for row in rows], np.float32),
        **{name: np.array([[row[name]] for row in rows], object) for name in ("island", "sex")},
    }
    out, _ = species(policy, inputs)
    truth = np.array(policy["nodes"]["name"]["labels"], object)[y]
    print(f"species: {share(out['species'] == truth)}; words as typed: {share(ask('penguins', **inputs)['label'] == y)}")


if __name__ == "__main__":
    worth_of_vote()
    worth_of_cascade()
    worth_of_species()
    for file in sorted(path.name for path in (HERE / "pipelines").iterdir() if path.is_file()):
        hold(file)
    hold_same("vote.toml", "vote.yaml")
