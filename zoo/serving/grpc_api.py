"""TensorFlow Serving's gRPC services: Predict, GetModelMetadata and GetModelStatus."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from zoo.serving import grpc_tensors
from zoo.serving.checking import check_arrays, check_names
from zoo.serving.errors import RequestError, invalid
from zoo.serving.metadata import signature_def
from zoo.serving.runners import DEFAULT_SIGNATURE
from zoo.serving.service import Service

log = logging.getLogger("zoo.serving")
_ENVELOPE = 1 << 16  # bytes of a message beyond its tensors
_THREADS = 64


class GrpcServer:
    """Listens for gRPC.

    Args:
        address: host and port; port 0 takes a free one.
        service: the models.

    Raises:
        ImportError: the extra `serving` is not installed.
        OSError: the address is taken or not of this machine.
    """

    def __init__(self, address: tuple[str, int], service: Service) -> None:
        try:
            import grpc
            from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc
        except ImportError as error:
            raise ImportError('gRPC needs tensorflow-serving-api: pip install "zoo[serving]"') from error
        settings = service.settings
        self._executor = ThreadPoolExecutor(min(_THREADS, settings.max_requests), thread_name_prefix="zoo-grpc")
        options = [
            ("grpc.so_reuseport", 0),  # or a taken port would be shared silently
            ("grpc.max_receive_message_length", settings.max_body_bytes + _ENVELOPE),
            ("grpc.max_send_message_length", -1),
            ("grpc.max_connection_idle_ms", int(1000 * settings.idle_seconds)),
        ]
        self._server = grpc.server(self._executor, options=options, maximum_concurrent_rpcs=settings.max_requests)
        calls = _Calls(service)
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
            _Servicer(
                prediction_service_pb2_grpc.PredictionServiceServicer(),
                {"Predict": calls.predict, "GetModelMetadata": calls.metadata},
            ),
            self._server,
        )
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(
            _Servicer(model_service_pb2_grpc.ModelServiceServicer(), {"GetModelStatus": calls.status}), self._server
        )
        host = f"[{address[0]}]" if ":" in address[0] else address[0]
        try:
            self.port = self._server.add_insecure_port(f"{host}:{address[1]}")
        except RuntimeError as error:
            raise OSError(
                f"gRPC cannot listen on {address[0]}:{address[1]}: the port is taken, or the address is not of this "
                "machine. Choose another port with --grpc-port, or leave gRPC out with --no-grpc."
            ) from error

    def start(self) -> None:
        """Begins to accept connections."""
        self._server.start()

    def stop(self, grace: float) -> None:
        """Takes no new calls, and lets those in progress finish for `grace` seconds."""
        self._server.stop(grace).wait()
        self._executor.shutdown(wait=False)


class _Servicer:
    """Answers some methods, and the others as the generated base class does: not implemented."""

    def __init__(self, base: Any, methods: dict[str, Callable[[Any], Any]]) -> None:
        self._base, self._methods = base, methods

    def __getattr__(self, name: str) -> Any:
        if name not in self._methods:
            return getattr(self._base, name)
        method = self._methods[name]

        def answer(request: Any, context: Any) -> Any:
            try:
                return method(request)
            except RequestError as error:
                _abort(context, error)
            except Exception:
                log.exception("%s failed", name)
                _abort(context, RequestError("INTERNAL", "internal error; the server's log says more"))

        return answer


def _abort(context: Any, error: RequestError) -> None:
    import grpc

    context.abort(grpc.StatusCode[error.code], error.message)


class _Calls:
    """The methods, from a request message to a response message."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def predict(self, request: Any) -> Any:
        """PredictionService.Predict."""
        from tensorflow_serving.apis import predict_pb2

        spec, service = request.model_spec, self._service
        with service.request(spec.name, "grpc"):
            with service.model(spec.name).use(*_choice(spec)) as lease:
                name = spec.signature_name or DEFAULT_SIGNATURE
                signature = lease.version.signature(name)
                check_names(set(request.inputs), signature)
                limit = service.settings.max_body_bytes
                inputs = {key: grpc_tensors.to_array(value, key, limit) for key, value in request.inputs.items()}
                check_arrays(inputs, signature, service.settings.max_rows)
                wanted = list(request.output_filter) or list(signature.outputs)
                if not set(wanted) <= set(signature.outputs):
                    raise invalid(f"output_filter names unknown outputs; there is: {', '.join(signature.outputs)}")
                outputs = lease.run(name, inputs)
            response = predict_pb2.PredictResponse()
            _fill_spec(response.model_spec, spec.name, lease.version.number, name)
            for key in wanted:
                grpc_tensors.fill(response.outputs[key], outputs[key])
            return response

    def metadata(self, request: Any) -> Any:
        """PredictionService.GetModelMetadata."""
        from google.protobuf.json_format import ParseDict
        from tensorflow_serving.apis import get_model_metadata_pb2

        spec = request.model_spec
        if list(request.metadata_field) != ["signature_def"]:
            raise invalid('expected the metadata_field "signature_def", and no other')
        with self._service.model(spec.name).use(*_choice(spec)) as lease:
            signatures, number = lease.version.signatures, lease.version.number
        definitions = get_model_metadata_pb2.SignatureDefMap()
        for name, signature in signatures.items():
            ParseDict(signature_def(signature), definitions.signature_def[name])
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        _fill_spec(response.model_spec, spec.name, number, "")
        response.metadata["signature_def"].Pack(definitions)
        return response

    def status(self, request: Any) -> Any:
        """ModelService.GetModelStatus."""
        from tensorflow_serving.apis import get_model_status_pb2

        spec = request.model_spec
        if spec.name not in self._service.models:
            raise RequestError("NOT_FOUND", f"Could not find any versions of model {spec.name}")
        response = get_model_status_pb2.GetModelStatusResponse()
        for status in self._service.models[spec.name].statuses(*_choice(spec)):
            entry = response.model_version_status.add(version=status.number)
            entry.state = get_model_status_pb2.ModelVersionStatus.State.Value(status.state)
            entry.status.error_code = 2 if status.error else 0  # UNKNOWN, OK
            entry.status.error_message = status.error
        return response


def _choice(spec: Any) -> tuple[int | None, str | None]:
    """The version and the label that a model spec names."""
    chosen = spec.WhichOneof("version_choice")
    version = spec.version.value if chosen == "version" else None
    return version, spec.version_label if chosen == "version_label" else None


def _fill_spec(spec: Any, name: str, version: int, signature: str) -> None:
    spec.name, spec.signature_name = name, signature
    spec.version.value = version
