"""Makes the models of this example, their golden cases, the rows held back from every training, and requests to paste.

All data are real and come with packages: breast_cancer and digits with scikit-learn, the penguins of the Palmer
archipelago with palmerpenguins. Seeds are fixed. What does not live here: the graphs in `pipelines/`, which are
written by hand, and what they are worth, which `measure.py` tells from the files.

    python3.11 -m venv ~/venvs/composite && ~/venvs/composite/bin/pip install -r requirements.txt
    ~/venvs/composite/bin/python train.py && ~/venvs/composite/bin/python measure.py
"""

import itertools
import json
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from palmerpenguins import load_penguins
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold, cross_val_predict, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import network

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parents[1] / "tests" / "fixtures"))

from golden import run, tensor, write_model  # noqa: E402
from make_quickstart import agree, doubtful, export  # noqa: E402

OPSET = {"": 17, "ai.onnx.ml": 3}
WORDS = ["island", "sex"]


def deliver(name, number, model, batches):
    write_model(HERE / "models" / name / str(number), model, batches, "golden.json")


def batches(rows):
    """One row alone, and all: batching must not change an answer."""
    return {"one row": {"X": rows[:1]}, f"{len(rows)} rows": {"X": rows}}


def request(name, **inputs):
    """A request to paste: one input a line."""
    lines = ",\n".join("  " + json.dumps(tensor(key, value)[0]) for key, value in inputs.items())
    (HERE / "requests" / f"{name}.json").write_text('{"inputs": [\n' + lines + "\n]}\n")


def beside(name, rows):
    """Rows for the tests of a pipeline's file, one a line."""
    lines = ",\n".join("  " + json.dumps(row) for row in rows)
    (HERE / "pipelines" / "rows" / f"{name}.json").write_text("[\n" + lines + "\n]\n")


def keep(name, rows):
    """Rows that no training has seen, with what they really are, one a line."""
    lines = ",\n".join(json.dumps(row) for row in rows)
    (HERE / "held" / f"{name}.json").write_text("[\n" + lines + "\n]\n")


def plain(row):
    """Float32 numbers as short as they can be written."""
    return [float(str(value)) for value in row.astype(np.float32)]


# === vote ===


def scaler(fitted, width):
    """StandardScaler as ONNX, with a name for its output that says what it is."""
    model = to_onnx(fitted, initial_types=[("X", FloatTensorType([None, width]))], target_opset=OPSET)
    (output,) = model.graph.output
    for node in model.graph.node:
        for at, name in enumerate(node.output):
            if name == output.name:
                node.output[at] = "scaled"
    output.name = "scaled"
    for value in [*model.graph.input, *model.graph.output]:
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    return model


def broken(model, width):
    """The model behind a look at a place in the row that is ten times its greatest number's distance from the mean.

    There is no such place from three deviations on, and an inference with such a row in it fails. Neither the contract
    nor an average row shows anything of it. Rows are gone through one by one (Scan), so that the failure is one of the
    model's own loop.
    """
    body = helper.make_graph(
        [
            helper.make_node("Abs", ["row"], ["distances"]),
            helper.make_node("ReduceMax", ["distances"], ["greatest"], axes=[0], keepdims=1),
            helper.make_node("Mul", ["greatest", "ten"], ["far"]),
            helper.make_node("Cast", ["far"], ["place"], to=TensorProto.INT64),
            helper.make_node("GatherElements", ["row", "place"], ["found"], axis=0),
            helper.make_node("Mul", ["found", "little"], ["trace"]),
            helper.make_node("Add", ["row", "trace"], ["row_looked"]),
        ],
        "look",
        [helper.make_tensor_value_info("row", TensorProto.FLOAT, [width])],
        [helper.make_tensor_value_info("row_looked", TensorProto.FLOAT, [width])],
        [
            numpy_helper.from_array(np.array([10], np.float32), "ten"),
            numpy_helper.from_array(np.array([1e-9], np.float32), "little"),
        ],
    )
    changed = type(model)()
    changed.CopyFrom(model)
    for node in changed.graph.node:
        for at, name in enumerate(node.input):
            if name == "X":
                node.input[at] = "looked"
    later = list(changed.graph.node)
    del changed.graph.node[:]
    scan = helper.make_node("Scan", ["X"], ["looked"], body=body, num_scan_inputs=1)
    changed.graph.node.extend([scan, *later])
    return changed


def vote():
    """Three classifiers of different kinds on the same measurements of cells."""
    data = load_breast_cancer()
    x, y = data.data.astype(np.float32), data.target
    seen, held, y_seen, y_held = train_test_split(x, y, test_size=200, random_state=0, stratify=y)
    fitted = StandardScaler().fit(seen)
    scale = scaler(fitted, x.shape[1])
    rows = held[:4]
    np.testing.assert_allclose(run(scale, {"X": held})["scaled"], fitted.transform(held), atol=1e-4)
    deliver("scaler", 1, scale, batches(rows))

    seen, scaled = fitted.transform(seen), fitted.transform(held).astype(np.float32)
    voters = {
        "linear": LogisticRegression(max_iter=1000),
        "forest": RandomForestClassifier(50, max_depth=5, random_state=0),
        "net": MLPClassifier((16,), alpha=1.0, max_iter=1000, random_state=0),
    }
    # How much each is worth, by rows that it was not trained on.
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    apart = [cross_val_predict(v, seen, y_seen, cv=folds, method="predict_proba") for v in voters.values()]
    losses = {
        weights: log_loss(y_seen, np.average(apart, axis=0, weights=weights))
        for weights in itertools.product([1, 2, 3], repeat=len(voters))
    }
    print("weights of", list(voters), "with the least loss:", min(losses, key=losses.get))

    for name, voter in voters.items():
        voter.fit(seen, y_seen)
        model = export(voter, x.shape[1])
        agree(voter, model, scaled)
        deliver(name, 1, model, batches(doubtful(voter, scaled)))
    folder = HERE / "models" / "net" / "2"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(broken(model, x.shape[1]).SerializeToString())

    keep("cells", [{"label": int(label), "features": plain(row)} for row, label in zip(held, y_held)])
    # A sure one of each kind, and one that the voters do not agree on.
    votes = np.array([voter.predict(scaled) for voter in voters.values()])
    mean = voters["linear"].predict_proba(scaled)[:, 1]
    divided = np.flatnonzero(votes.min(0) != votes.max(0))[0]
    chosen = held[[mean.argmin(), mean.argmax(), divided]]
    request("vote", features=chosen)
    beside("lumps", [plain(row) for row in chosen])


# === cascade ===


def held_digits():
    """Whether a digit is among those in `examples/traffic/digits.json`, which callers post."""
    posted = json.loads((HERE.parent / "traffic" / "digits.json").read_text())
    posted = {tuple(row["pixels"]) for row in posted}
    x, y = load_digits(return_X_y=True)
    known = np.array([tuple(row.astype(int)) in posted for row in x])
    return x.astype(np.float32), y, known


def cascade():
    """A cheap reader of digits and a strong one, and from which confidence on the cheap one is enough."""
    x, y, held = held_digits()
    # Digits in validation are for choosing the threshold alone.
    seen, unseen, y_seen, y_unseen = train_test_split(x[~held], y[~held], test_size=400, random_state=0, stratify=y[~held])
    # Of 0.01, 0.1 and 1 the C with the least loss in cross-validation: its confidence is to be trusted.
    cheap = LogisticRegression(C=0.1, max_iter=5000).fit(seen, y_seen)
    model = export(cheap, x.shape[1])
    agree(cheap, model, x[held])
    rows = doubtful(cheap, x[held])
    deliver("cheap", 1, model, batches(rows))

    layers = network.train(seen, y_seen, seed=0)
    model = network.export(layers)
    ours = run(model, {"X": x[held]})["probabilities"]
    theirs = np.exp(network.jax.nn.log_softmax(network.scores(layers, x[held])))
    np.testing.assert_allclose(ours, theirs, atol=1e-4)
    deliver("strong", 1, model, batches(rows))

    probabilities = {
        name: run(str(HERE / "models" / name / "1" / "model.onnx"), {"X": unseen})["probabilities"]
        for name in ("cheap", "strong")
    }
    right = {name: p.argmax(1) == y_unseen for name, p in probabilities.items()}
    sure = probabilities["cheap"].max(1)
    goal = right["strong"].mean()
    print(f"validation: cheap {right['cheap'].mean():.4f}, strong {goal:.4f}")
    # The lowest from which on nothing is lost by the cheap one's answers.
    for threshold in [0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99]:
        whole = np.where(sure > threshold, right["cheap"], right["strong"]).mean()
        enough = "enough" if whole >= goal else "too low"
        print(f"  threshold {threshold}: {whole:.4f}, {np.mean(sure > threshold):.3f} by the cheap one, {enough}")
    # One digit that the cheap one is sure of, and two that it is not.
    request("cascade", X=rows[:3])
    beside("digits", [plain(row) for row in rows[:3]])


# === species ===


def penguins():
    """Which species a penguin is, by the length of its bill, its island and its sex."""
    table = load_penguins().dropna().reset_index(drop=True)
    # The words as the model knows them: in lower case, with nothing around.
    words = {name: table[name].astype(str).str.strip().str.lower() for name in WORDS}
    bill = table["bill_length_mm"].to_numpy(np.float32)
    labels = sorted(set(table["species"]))
    y = table["species"].map(labels.index).to_numpy()
    frame = table[["bill_length_mm"]].astype(np.float32).assign(**{n: w.astype(object) for n, w in words.items()})
    seen, held = train_test_split(np.arange(len(table)), test_size=100, random_state=0, stratify=y)

    estimator = make_pipeline(
        ColumnTransformer([
            ("numbers", StandardScaler(), ["bill_length_mm"]),
            ("words", OneHotEncoder(handle_unknown="ignore"), WORDS),
        ]),
        LogisticRegression(C=10, max_iter=2000),
    ).fit(frame.iloc[seen], y[seen])
    kinds = {"bill_length_mm": FloatTensorType([None, 1]), **{name: StringTensorType([None, 1]) for name in WORDS}}
    model = to_onnx(
        estimator,
        initial_types=list(kinds.items()),
        options={id(estimator): {"zipmap": False}},
        target_opset=OPSET,
    )
    for value in [*model.graph.input, *model.graph.output]:
        value.type.tensor_type.shape.dim[0].dim_param = "batch"

    def columns(rows):
        return {
            "bill_length_mm": bill[rows][:, None],
            **{name: words[name].to_numpy(object)[rows][:, None] for name in WORDS},
        }

    ours = run(model, columns(held))["probabilities"]
    theirs = estimator.predict_proba(frame.iloc[held])
    np.testing.assert_allclose(ours, theirs, atol=1e-4)
    doubted = held[[theirs.max(1).argmax(), *theirs.max(1).argsort()[:3]]]
    deliver("penguins", 1, model, {"one row": columns(doubted[:1]), "4 rows": columns(doubted)})
    print("labels of the penguins:", labels)

    # What people type: the same words with capitals and blanks, as each of three hands does it.
    hands = [str.upper, lambda word: f" {word.capitalize()} ", str]
    typed = [
        {
            "label": int(y[row]),
            "bill_length_mm": float(str(bill[row])),
            **{name: hands[at % 3](words[name][row]) for name in WORDS},
        }
        for at, row in enumerate(held)
    ]
    keep("penguins", typed)
    # One of each species, each typed by another hand.
    chosen = [next(p for at, p in enumerate(typed) if p["label"] == at % 3 == one) for one in range(3)]
    request(
        "species",
        bill_length_mm=np.array([[p["bill_length_mm"]] for p in chosen], np.float32),
        **{name: np.array([[p[name]] for p in chosen], object) for name in WORDS},
    )


if __name__ == "__main__":
    packages = ["numpy", "scikit-learn", "skl2onnx", "onnx", "onnxruntime", "jax", "palmerpenguins"]
    print(", ".join(f"{name} {version(name)}" for name in packages))
    for folder in ("requests", "held", "pipelines/rows"):
        (HERE / folder).mkdir(exist_ok=True)
    vote()
    penguins()
    cascade()
