"""Drives a running daemon with NVIDIA's own gRPC client, `tritonclient[grpc]`, and with gRPC's health and
reflection clients.

    python triton_grpc.py HOST:PORT

The daemon serves the quickstart's models, `words` (a label encoder from strings to INT64) and `slow`, a fake that
takes half a second. Every check that fails is printed; the exit code is 1 when there was one.
"""

import asyncio
import queue
import sys
import traceback

import grpc
import numpy as np
import tritonclient.grpc as triton
import tritonclient.grpc.aio as triton_aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from google.protobuf.descriptor_pool import DescriptorPool
from tritonclient.grpc import service_pb2, service_pb2_grpc
from tritonclient.utils import InferenceServerException

# Two irises, a setosa and a virginica.
ROWS = np.array([[5.1, 3.5, 1.4, 0.2], [7.7, 2.6, 6.9, 2.3]], dtype=np.float32)


def rows(data=ROWS):
    tensor = triton.InferInput("X", list(data.shape), "FP32")
    tensor.set_data_from_numpy(data)
    return tensor


def words(texts):
    tensor = triton.InferInput("X", [len(texts), 1], "BYTES")
    tensor.set_data_from_numpy(np.array([[text.encode()] for text in texts], dtype=np.object_))
    return tensor


def slow():
    tensor = triton.InferInput("x", [1, 1], "FP32")
    tensor.set_data_from_numpy(np.zeros((1, 1), dtype=np.float32))
    return tensor


def wanted(name):
    return triton.InferRequestedOutput(name)


def refused(call, code, *parts):
    """The call must fail with a status code and a message that has all the parts."""
    try:
        call()
    except InferenceServerException as error:
        assert error.status() == f"StatusCode.{code}", error
        for part in parts:
            assert part in error.message(), f"{part!r} is not in {error.message()!r}"
        return error
    raise AssertionError("it was answered, but should have been refused")


def check_health(client, url):
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("iris")
    assert client.is_model_ready("iris", "1")
    refused(lambda: client.is_model_ready("pears"), "NOT_FOUND", "'pears' is not found")
    refused(lambda: client.is_model_ready("iris", "99"), "NOT_FOUND", "version 99")


def check_metadata(client, url):
    server = client.get_server_metadata()
    assert server.name == "impresario", server
    assert {"statistics", "binary_tensor_data", "model_repository"} <= set(server.extensions)
    model = client.get_model_metadata("iris-forest")
    assert model.name == "iris-forest" and list(model.versions) == ["1"], model
    inputs = [(port.name, port.datatype, list(port.shape)) for port in model.inputs]
    assert inputs == [("X", "FP32", [-1, 4])], inputs
    outputs = [(port.name, port.datatype, list(port.shape)) for port in model.outputs]
    assert outputs == [("label", "BYTES", [-1]), ("probabilities", "FP32", [-1, 3])], outputs
    assert list(client.get_model_metadata("iris", "2").versions) == ["1", "2"]


def check_config(client, url):
    config = client.get_model_config("iris-forest").config
    assert config.name == "iris-forest" and config.backend == config.platform != "", config
    assert config.max_batch_size > 0, config
    assert list(config.input[0].dims) == [4] and config.input[0].data_type == 11, config
    assert config.output[0].data_type == 13, config
    assert list(config.version_policy.specific.versions) == [1], config
    assert not config.model_transaction_policy.decoupled
    as_json = client.get_model_config("iris-forest", as_json=True)
    assert as_json["config"]["input"][0]["data_type"] == "TYPE_FP32", as_json


def check_inference(client, url):
    answer = client.infer("iris-forest", [rows()])
    names = [output.name for output in answer.get_response().outputs]
    assert names == ["label", "probabilities"], names
    assert [text.decode() for text in answer.as_numpy("label")] == ["setosa", "virginica"]
    probabilities = answer.as_numpy("probabilities")
    assert probabilities.dtype == np.float32 and probabilities.shape == (2, 3), probabilities
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5), probabilities
    answer = client.infer("words", [words(["red", "blue"])])
    assert answer.as_numpy("variable").ravel().tolist() == [2, 0]


def check_versions_and_ids(client, url):
    one = client.infer("iris", [rows()], model_version="1", request_id="first")
    two = client.infer("iris", [rows()], model_version="2", request_id="é 2")
    newest = client.infer("iris", [rows()])
    assert one.get_response().model_version == "1" and one.get_response().id == "first"
    assert two.get_response().id == "é 2"
    assert newest.get_response().model_version == "2" and newest.get_response().id == ""
    assert not np.allclose(one.as_numpy("probabilities"), two.as_numpy("probabilities"))
    assert np.array_equal(newest.as_numpy("probabilities"), two.as_numpy("probabilities"))


def check_some_outputs(client, url):
    answer = client.infer("iris", [rows()], outputs=[wanted("probabilities")])
    assert [output.name for output in answer.get_response().outputs] == ["probabilities"]
    assert answer.as_numpy("label") is None
    answer = client.infer("iris", [rows()], outputs=[wanted("probabilities"), wanted("label")])
    assert [output.name for output in answer.get_response().outputs] == ["label", "probabilities"]
    assert answer.as_numpy("label").tolist() == [0, 2]
    classes = triton.InferRequestedOutput("probabilities", class_count=2)
    refused(lambda: client.infer("iris", [rows()], outputs=[classes]), "INVALID_ARGUMENT", "classification")


def check_compression(client, url):
    plain = client.infer("iris", [rows()]).as_numpy("probabilities")
    for algorithm in ("gzip", None):
        answer = client.infer("iris", [rows()], compression_algorithm=algorithm)
        assert np.array_equal(answer.as_numpy("probabilities"), plain)
    many = np.tile(ROWS, (20_000, 1))
    for algorithm in ("gzip", None):
        answer = client.infer("iris", [rows(many)], compression_algorithm=algorithm)
        assert answer.as_numpy("probabilities").shape == (40_000, 3)
    refused(
        lambda: client.infer("iris", [rows()], compression_algorithm="deflate"), "UNIMPLEMENTED", "deflate"
    )


def check_refusals(client, url):
    refused(lambda: client.infer("pears", [rows()]), "NOT_FOUND", "'pears' is not found")
    refused(lambda: client.infer("iris", [rows()], model_version="99"), "NOT_FOUND", "version 99")
    refused(lambda: client.infer("iris", [rows(), rows()]), "INVALID_ARGUMENT", "'X'", "more than once")
    short = rows()
    short._raw_content = short._raw_content[:-1]
    refused(lambda: client.infer("iris", [short]), "INVALID_ARGUMENT", "'X'", "32 bytes", "31 bytes")
    wrong = triton.InferInput("X", [2, 4], "FP64")
    wrong.set_data_from_numpy(ROWS.astype(np.float64))
    refused(lambda: client.infer("iris", [wrong]), "INVALID_ARGUMENT", "'X'", "FP32", "FP64")
    # What the client would not send by itself.
    stub = service_pb2_grpc.GRPCInferenceServiceStub(client._channel)
    request = service_pb2.ModelInferRequest(model_name="iris")
    tensor = request.inputs.add(name="X", datatype="FP32", shape=[9223372036854775807, 4])
    tensor.contents.fp32_contents.extend([1, 2, 3, 4])
    for shape in ([9223372036854775807, 4], [-1, 4], [1, 5], [1] * 40):
        del tensor.shape[:]
        tensor.shape.extend(shape)
        try:
            stub.ModelInfer(request)
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.INVALID_ARGUMENT, error
            assert "'X'" in error.details(), error
        else:
            raise AssertionError(f"shape {shape} was taken")
    assert client.is_server_live()


def check_typed_contents(client, url):
    stub = service_pb2_grpc.GRPCInferenceServiceStub(client._channel)
    request = service_pb2.ModelInferRequest(model_name="iris-forest", id="typed")
    tensor = request.inputs.add(name="X", datatype="FP32", shape=list(ROWS.shape))
    tensor.contents.fp32_contents.extend(ROWS.ravel().tolist())
    answer, call = stub.ModelInfer.with_call(request, metadata=(("x-request-id", "mine"),))
    assert answer.id == "typed" and not answer.raw_output_contents, answer
    assert list(answer.outputs[0].contents.bytes_contents) == [b"setosa", b"virginica"]
    raw = client.infer("iris-forest", [rows()])
    assert not raw.get_response().outputs[1].HasField("contents")
    typed = np.array(answer.outputs[1].contents.fp32_contents, dtype=np.float32)
    assert np.array_equal(typed, raw.as_numpy("probabilities").ravel())
    headers = dict(call.initial_metadata())
    assert headers["x-request-id"] == "mine", headers
    assert headers["x-route-version"] == "1" and headers["x-route-variant"], headers


def check_deadlines(client, url):
    refused(lambda: client.infer("slow", [slow()], timeout=50_000), "DEADLINE_EXCEEDED", "50ms")
    refused(lambda: client.infer("slow", [slow()], client_timeout=0.05), "DEADLINE_EXCEEDED")
    client.infer("slow", [slow()], timeout=60_000_000, client_timeout=60)


def check_streams(client, url):
    answers = queue.Queue()
    client.start_stream(callback=lambda result, error: answers.put((result, error)))
    for number in range(40):
        if number % 4 == 3:
            client.async_stream_infer("pears", [rows()], request_id=str(number))
        else:
            model = "slow" if number == 0 else "iris"
            inputs = [slow()] if number == 0 else [rows()]
            client.async_stream_infer(
                model, inputs, request_id=str(number), enable_empty_final_response=number % 2 == 0
            )
    for number in range(40):
        result, error = answers.get(timeout=60)
        if number % 4 == 3:
            assert result is None and "'pears' is not found" in error.message(), error
        else:
            assert error is None, error
            response = result.get_response()
            assert response.id == str(number), (response.id, number)
            final = response.parameters.get("triton_final_response")
            assert (final is not None and final.bool_param) == (number % 2 == 0), response
    client.async_stream_infer("slow", [slow()], timeout=50_000)
    result, error = answers.get(timeout=60)
    assert result is None and "deadline" in error.message(), error
    client.stop_stream()
    # A stream that is cancelled leaves nothing behind.
    client.start_stream(callback=lambda result, error: answers.put((result, error)))
    for _ in range(20):
        client.async_stream_infer("slow", [slow()])
    client.stop_stream(cancel_requests=True)
    assert answers.get(timeout=60)[1] is not None
    # A stream has a deadline as a whole.
    client.start_stream(callback=lambda result, error: answers.put((result, error)), stream_timeout=0.05)
    client.async_stream_infer("slow", [slow()])
    error = answers.get(timeout=60)[1]
    assert error.status() == "StatusCode.DEADLINE_EXCEEDED", error
    client.stop_stream()


def check_async(client, url):
    async def run():
        client = triton_aio.InferenceServerClient(url)
        assert await client.is_server_ready()
        calls = [client.infer("iris", [rows()], request_id=str(number)) for number in range(200)]
        answers = await asyncio.gather(*calls)
        assert [answer.get_response().id for answer in answers] == [str(number) for number in range(200)]
        for answer in answers:
            assert answer.as_numpy("label").tolist() == [0, 2]

        async def requests():
            for number in range(100):
                yield {"model_name": "iris", "inputs": [rows()], "request_id": str(number)}

        number = 0
        async for result, error in client.stream_infer(requests()):
            assert error is None and result.get_response().id == str(number), (error, number)
            number += 1
        assert number == 100
        await client.close()

    asyncio.run(run())
    done = queue.Queue()
    for number in range(50):
        client.async_infer("iris", [rows()], callback=lambda result, error: done.put((result, error)))
    for number in range(50):
        result, error = done.get(timeout=60)
        assert error is None and result.as_numpy("label").tolist() == [0, 2], error


def check_statistics(client, url):
    def counted():
        [row] = [row for row in client.get_inference_statistics("iris").model_stats if row.version == "2"]
        return row.inference_stats.success, row.inference_count, row.execution_count

    before, inferences, executions = counted()
    for _ in range(3):
        client.infer("iris", [rows()])
    after, more_inferences, more_executions = counted()
    assert after.count == before.count + 3 and after.ns > before.ns, (before, after)
    assert more_inferences == inferences + 6 and more_executions > executions
    every = client.get_inference_statistics().model_stats
    assert {"iris", "words"} <= {row.name for row in every}, every


def check_repository(client, url):
    states = {(row.name, row.version): row.state for row in client.get_model_repository_index().models}
    assert states["iris", "2"] == "READY", states
    client.unload_model("words")
    assert not client.is_model_ready("words")
    refused(lambda: client.infer("words", [words(["red"])]), "UNAVAILABLE", "words")
    client.load_model("words")
    assert client.is_model_ready("words")
    client.infer("words", [words(["red"])])
    refused(lambda: client.load_model("pears"), "NOT_FOUND", "pears")
    refused(lambda: client.load_model("words", config="{}"), "INVALID_ARGUMENT", "config")


def check_health_protocol(client, url):
    with grpc.insecure_channel(url) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        serving = health_pb2.HealthCheckResponse.SERVING
        for service in ("", "inference.GRPCInferenceService", "grpc.health.v1.Health"):
            assert health.Check(health_pb2.HealthCheckRequest(service=service)).status == serving
        try:
            health.Check(health_pb2.HealthCheckRequest(service="pears"))
            raise AssertionError("a service that is not there is healthy")
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.NOT_FOUND, error
        watched = health.Watch(health_pb2.HealthCheckRequest())
        assert next(watched).status == serving
        watched.cancel()
        unknown = health.Watch(health_pb2.HealthCheckRequest(service="pears"))
        assert next(unknown).status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
        unknown.cancel()


def check_reflection(client, url):
    with grpc.insecure_channel(url) as channel:
        database = ProtoReflectionDescriptorDatabase(channel)
        services = set(database.get_services())
        assert {
            "inference.GRPCInferenceService",
            "grpc.health.v1.Health",
            "grpc.reflection.v1alpha.ServerReflection",
        } <= services, services
        pool = DescriptorPool(database)
        service = pool.FindServiceByName("inference.GRPCInferenceService")
        theirs = service_pb2.DESCRIPTOR.services_by_name["GRPCInferenceService"]
        for method in service.methods:
            assert method.input_type.full_name == theirs.methods_by_name[method.name].input_type.full_name
        # Every field that we have is theirs, with its number and type.
        seen = set()

        def compare(ours, theirs):
            if ours.full_name in seen:
                return
            seen.add(ours.full_name)
            for field in ours.fields:
                other = theirs.fields_by_name[field.name]
                kind = (field.number, field.type, field.is_repeated)
                assert kind == (other.number, other.type, other.is_repeated), field.full_name
                if field.message_type:
                    compare(field.message_type, other.message_type)

        for method in service.methods:
            other = theirs.methods_by_name[method.name]
            compare(method.input_type, other.input_type)
            compare(method.output_type, other.output_type)
        assert len(seen) > 40, seen


def main():
    url = sys.argv[1]
    client = triton.InferenceServerClient(url)
    failed = 0
    for name, check in list(globals().items()):
        if name.startswith("check_"):
            try:
                check(client, url)
                print(f"ok {name}")
            except Exception:
                failed += 1
                print(f"FAILED {name}\n{traceback.format_exc()}")
    client.close()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
