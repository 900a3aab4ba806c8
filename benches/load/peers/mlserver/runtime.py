"""The runtime that MLServer runs: ONNX Runtime over the same file, one thread, decoded by MLServer's own codec."""

import os

import onnxruntime
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse


class Onnx(MLModel):
    async def load(self) -> bool:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        path = os.environ["PEER_MODEL"]
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.names = [output.name for output in self.session.get_outputs()]
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        feed = {given.name: NumpyCodec.decode_input(given) for given in payload.inputs}
        answers = self.session.run(self.names, feed)
        written = [NumpyCodec.encode_output(name, values) for name, values in zip(self.names, answers)]
        return InferenceResponse(model_name=self.name, outputs=written)
