"""Drives a running daemon with NVIDIA's own HTTP client, `tritonclient[http]`.

    python triton.py HOST:PORT

The daemon serves the quickstart's models, and `words`: a label encoder from strings to INT64. Every check that
fails is printed; the exit code is 1 when there was one.
"""

import sys
import traceback

import numpy as np
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

# Two irises, a setosa and a virginica.
ROWS = np.array([[5.1, 3.5, 1.4, 0.2], [7.7, 2.6, 6.9, 2.3]], dtype=np.float32)


def rows(binary, data=ROWS):
    tensor = triton.InferInput("X", list(data.shape), "FP32")
    tensor.set_data_from_numpy(data, binary_data=binary)
    return tensor


def words(texts, binary):
    tensor = triton.InferInput("X", [len(texts), 1], "BYTES")
    data = np.array([[text.encode()] for text in texts], dtype=np.object_)
    tensor.set_data_from_numpy(data, binary_data=binary)
    return tensor


def wanted(name, binary):
    return triton.InferRequestedOutput(name, binary_data=binary)


def refused(call, *parts):
    """The call must fail with a message that has all the parts."""
    try:
        call()
    except InferenceServerException as error:
        message = str(error)
        for part in parts:
            assert part in message, f"{part!r} is not in {message!r}"
        return error
    raise AssertionError("it was answered, but should have been refused")


def check_health(client):
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("iris")
    assert client.is_model_ready("iris", "1")
    assert not client.is_model_ready("pears")
    assert not client.is_model_ready("iris", "99")


def check_metadata(client):
    server = client.get_server_metadata()
    assert server["name"] == "impresario", server
    assert {"statistics", "binary_tensor_data", "model_repository"} <= set(server["extensions"])
    model = client.get_model_metadata("iris-forest")
    assert model["name"] == "iris-forest", model
    assert model["versions"] == ["1"], model
    assert model["inputs"] == [{"name": "X", "datatype": "FP32", "shape": [-1, 4]}], model
    outputs = [(port["name"], port["datatype"], port["shape"]) for port in model["outputs"]]
    assert outputs == [("label", "BYTES", [-1]), ("probabilities", "FP32", [-1, 3])], outputs
    assert client.get_model_metadata("iris", "2")["name"] == "iris"


def check_config(client):
    config = client.get_model_config("iris-forest")
    assert config["name"] == "iris-forest", config
    assert config["max_batch_size"] > 0, config
    assert config["input"][0]["dims"] == [4], config
    assert config["output"][0]["data_type"] == "TYPE_STRING", config


def check_every_form_gives_the_same(client):
    answers = []
    for binary_in in (True, False):
        for binary_out in (True, False):
            outputs = [wanted("label", binary_out), wanted("probabilities", binary_out)]
            answers.append(client.infer("iris-forest", [rows(binary_in)], outputs=outputs))
        answers.append(client.infer("iris-forest", [rows(binary_in)]))
    for answer in answers:
        names = [output["name"] for output in answer.get_response()["outputs"]]
        assert names == ["label", "probabilities"], names
        labels = [text.decode() if isinstance(text, bytes) else text for text in answer.as_numpy("label")]
        assert labels == ["setosa", "virginica"], labels
        probabilities = answer.as_numpy("probabilities")
        assert probabilities.dtype == np.float32 and probabilities.shape == (2, 3), probabilities
        assert np.array_equal(probabilities, answers[0].as_numpy("probabilities"))
        assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5), probabilities


def check_versions_and_ids(client):
    one = client.infer("iris", [rows(True)], model_version="1", request_id="first")
    two = client.infer("iris", [rows(True)], model_version="2", request_id="é 2")
    newest = client.infer("iris", [rows(True)])
    assert one.get_response()["model_version"] == "1"
    assert one.get_response()["id"] == "first"
    assert two.get_response()["id"] == "é 2"
    assert newest.get_response()["model_version"] == "2"
    assert "id" not in newest.get_response()
    assert not np.allclose(one.as_numpy("probabilities"), two.as_numpy("probabilities"))
    assert np.array_equal(newest.as_numpy("probabilities"), two.as_numpy("probabilities"))


def check_some_outputs(client):
    answer = client.infer("iris", [rows(True)], outputs=[wanted("probabilities", False)])
    assert [output["name"] for output in answer.get_response()["outputs"]] == ["probabilities"]
    assert answer.as_numpy("label") is None
    outputs = [wanted("probabilities", False), wanted("label", True)]
    answer = client.infer("iris", [rows(True)], outputs=outputs)
    names = [output["name"] for output in answer.get_response()["outputs"]]
    assert names == ["label", "probabilities"], names
    assert answer.as_numpy("label").dtype == np.int64
    assert answer.as_numpy("label").tolist() == [0, 2]


def check_strings(client):
    for binary in (True, False):
        answer = client.infer("words", [words(["red", "blue"], binary)])
        codes = answer.as_numpy("variable")
        assert codes.shape == (2, 1) and codes.dtype == np.int64, codes
        assert codes.ravel().tolist() == [2, 0], codes


def check_compression(client):
    plain = client.infer("iris", [rows(True)]).as_numpy("probabilities")
    for algorithm in ("gzip", "deflate"):
        for binary in (True, False):
            answer = client.infer(
                "iris",
                [rows(binary)],
                outputs=[wanted("probabilities", binary)],
                request_compression_algorithm=algorithm,
                response_compression_algorithm=algorithm,
            )
            assert np.array_equal(answer.as_numpy("probabilities"), plain)
    many = np.tile(ROWS, (20_000, 1))
    answer = client.infer(
        "iris",
        [rows(True, many)],
        request_compression_algorithm="gzip",
        response_compression_algorithm="gzip",
    )
    assert answer.as_numpy("probabilities").shape == (40_000, 3)


def check_parameters(client):
    client.infer("iris", [rows(True)], priority=1, timeout=30_000_000)
    client.infer("iris", [rows(True)], parameters={"tier": "gold", "n": 3, "x": 0.5, "flag": True})
    client.infer("iris", [rows(True)], headers={"x-request-timeout": "20s"})


def check_asynchronous(client):
    waiting = [client.async_infer("iris", [rows(i % 2 == 0)], request_id=str(i)) for i in range(40)]
    for i, answer in enumerate(waiting):
        response = answer.get_result().get_response()
        assert response["id"] == str(i), response


def check_nan(client):
    data = ROWS.copy()
    data[0, 0] = np.nan
    for binary in (True, False):
        answer = client.infer("iris", [rows(binary, data)], outputs=[wanted("probabilities", binary)])
        probabilities = answer.as_numpy("probabilities")
        assert probabilities.dtype == np.float32, probabilities
        assert np.isnan(probabilities[0]).all() and not np.isnan(probabilities[1]).any(), probabilities


def check_errors(client):
    error = refused(lambda: client.infer("pears", [rows(True)]), "pears", "is not found")
    assert error.status() == "404", error.status()
    refused(lambda: client.infer("iris", [rows(True)], model_version="99"), "99")
    refused(lambda: client.get_model_metadata("pears"), "is not found")
    five = np.zeros((1, 5), dtype=np.float32)
    error = refused(lambda: client.infer("iris", [rows(True, five)]), "X", "[-1, 4]", "[1, 5]")
    assert error.status() == "400", error.status()
    double = triton.InferInput("X", [1, 4], "FP64")
    double.set_data_from_numpy(np.zeros((1, 4)))
    refused(lambda: client.infer("iris", [double]), "FP32", "FP64")
    refused(lambda: client.infer("iris", [rows(True), rows(True)]), "more than once")
    refused(lambda: client.infer("iris", []), "X", "missing")
    refused(lambda: client.infer("iris", [rows(True)], outputs=[wanted("nothing", True)]), "nothing")
    classes = triton.InferRequestedOutput("probabilities", class_count=2)
    refused(lambda: client.infer("iris", [rows(True)], outputs=[classes]), "classification")


def check_statistics(client):
    def counted():
        (row,) = client.get_inference_statistics("iris", "1")["model_stats"]
        return row["inference_stats"]["success"], row["inference_count"], row["execution_count"]

    before, inferences, executions = counted()
    for _ in range(3):
        client.infer("iris", [rows(True)], model_version="1")
    after, more_inferences, more_executions = counted()
    assert after["count"] == before["count"] + 3, (before, after)
    assert after["ns"] > before["ns"], (before, after)
    assert more_inferences == inferences + 6 and more_executions > executions
    every = client.get_inference_statistics()["model_stats"]
    assert {"iris", "words"} <= {row["name"] for row in every}, every


def check_repository(client):
    states = {(row["name"], row["version"]): row["state"] for row in client.get_model_repository_index()}
    assert states["iris", "2"] == "READY", states
    client.unload_model("words")
    assert not client.is_model_ready("words")
    refused(lambda: client.infer("words", [words(["red"], True)]), "words")
    client.load_model("words")
    assert client.is_model_ready("words")
    client.infer("words", [words(["red"], True)])
    refused(lambda: client.load_model("pears"), "pears")
    refused(lambda: client.load_model("words", config="{}"), "config")


def main():
    client = triton.InferenceServerClient(sys.argv[1], concurrency=8, network_timeout=60)
    failed = 0
    for name, check in list(globals().items()):
        if name.startswith("check_"):
            try:
                check(client)
                print(f"ok {name}")
            except Exception:
                failed += 1
                print(f"FAILED {name}\n{traceback.format_exc()}")
    client.close()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
