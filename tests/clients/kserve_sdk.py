"""Drives a running daemon with the inference client of KServe's SDK, `kserve`.

    python kserve_sdk.py HOST:PORT

The daemon serves the quickstart's models. The exit code is not 0 when a check fails. The SDK brings some 450 MB
of other packages, so no test installs it: run this by hand.
"""

import asyncio
import sys

import numpy as np
from httpx import HTTPStatusError
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig
from kserve.protocol.infer_type import RequestedOutput

ROWS = np.array([[5.1, 3.5, 1.4, 0.2], [7.7, 2.6, 6.9, 2.3]], dtype=np.float32)


def request(model, binary, data=ROWS, **more):
    tensor = InferInput("X", list(data.shape), "FP32")
    tensor.set_data_from_numpy(data, binary_data=binary)
    return InferRequest(model_name=model, infer_inputs=[tensor], **more)


async def main():
    base = f"http://{sys.argv[1]}"
    client = InferenceRESTClient(RESTConfig(protocol="v2"))
    assert await client.is_server_live(base) is True
    assert await client.is_server_ready(base) is True
    assert await client.is_model_ready(base, "iris") is True
    assert await client.is_model_ready(base, "pears") is False

    answers = []
    for binary_in in (True, False):
        for binary_out in (True, False):
            outputs = [RequestedOutput(name, {"binary_data": binary_out}) for name in ("label", "probabilities")]
            asked = request("iris-forest", binary_in, request_outputs=outputs, request_id="7")
            answers.append(await client.infer(base, asked, model_name="iris-forest"))
        answers.append(await client.infer(base, request("iris-forest", binary_in), model_name="iris-forest"))
    for answer in answers:
        assert answer.model_name == "iris-forest", answer
        label, probabilities = answer.outputs
        labels = [text.decode() if isinstance(text, bytes) else text for text in label.as_numpy().tolist()]
        assert labels == ["setosa", "virginica"], labels
        assert np.array_equal(probabilities.as_numpy(), answers[0].outputs[1].as_numpy())
        assert probabilities.as_numpy().dtype == np.float32
    assert answers[0].id == "7"

    data = ROWS.copy()
    data[0, 0] = np.nan
    outputs = [RequestedOutput("probabilities", {"binary_data": False})]
    answer = await client.infer(base, request("iris", True, data, request_outputs=outputs), model_name="iris")
    probabilities = answer.outputs[0].as_numpy()
    assert np.isnan(probabilities[0]).all() and not np.isnan(probabilities[1]).any(), probabilities

    try:
        await client.infer(base, request("iris", True, ROWS[:, :3].copy()), model_name="iris")
    except HTTPStatusError as error:
        assert error.response.status_code == 400 and "[-1, 4]" in str(error.response.json()["error"]), error
    else:
        raise AssertionError("a wrong shape was answered")
    await client.close()
    print("ok")


asyncio.run(main())
