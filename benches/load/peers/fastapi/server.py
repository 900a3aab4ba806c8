"""FastAPI with ONNX Runtime, tuned: uvloop, httptools, orjson, no access log, no validation beyond what it needs.

The request is parsed as a whole body and the answer written as bytes: no pydantic model stands between.
usage: server.py PORT WORKERS MODEL NAME
"""

import os
import sys

import numpy
import onnxruntime
import orjson
import uvicorn
from fastapi import FastAPI, Request, Response

PORT, WORKERS = int(sys.argv[1]), int(sys.argv[2])
MODEL, NAME = sys.argv[3], sys.argv[4]

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(MODEL, options, providers=["CPUExecutionProvider"])
outputs = [output.name for output in session.get_outputs()]
DATATYPES = {"float32": "FP32", "int64": "INT64"}
TYPES = {"FP32": numpy.float32, "INT64": numpy.int64}

app = FastAPI(openapi_url=None)


@app.post("/v2/models/" + NAME + "/infer")
async def infer(request: Request) -> Response:
    body = orjson.loads(await request.body())
    feed = {
        given["name"]: numpy.array(given["data"], dtype=TYPES[given["datatype"]]).reshape(given["shape"])
        for given in body["inputs"]
    }
    answers = session.run(outputs, feed)
    written = [
        {"name": name, "datatype": DATATYPES[values.dtype.name], "shape": values.shape, "data": values.ravel()}
        for name, values in zip(outputs, answers)
    ]
    answer = {"model_name": NAME, "model_version": "1", "outputs": written}
    return Response(orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY), media_type="application/json")


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    uvicorn.run(
        # A name, not the application, so that there can be more than one process.
        "server:app",
        host="127.0.0.1",
        port=PORT,
        workers=WORKERS,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )
