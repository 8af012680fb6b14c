"""TensorFlow Serving's gRPC services: Predict, GetModelMetadata and GetModelStatus; health and reflection."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from zoo.serving import grpc_tensors
from zoo.serving.checking import check_arrays, check_names
from zoo.serving.errors import RequestError, cancelled, invalid
from zoo.serving.metadata import signature_def
from zoo.serving.ports import grpc_taken
from zoo.serving.runners import DEFAULT_SIGNATURE
from zoo.serving.service import Service
from zoo.serving.settings import Settings

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
        OSError: the address is taken or not of this machine, or the certificate cannot be read.
    """

    def __init__(self, address: tuple[str, int], service: Service) -> None:
        try:
            import grpc
            from grpc_health.v1 import health
            from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc
        except ImportError as error:
            raise ImportError(f'gRPC needs the extra "serving" ({error}): pip install "zoo[serving]"') from error
        settings, self._service = service.settings, service
        self._executor = ThreadPoolExecutor(min(_THREADS, settings.max_requests), thread_name_prefix="zoo-grpc")
        options = [
            ("grpc.so_reuseport", 0),  # or a taken port would be shared silently
            ("grpc.max_receive_message_length", settings.grpc_receive_bytes or settings.max_body_bytes + _ENVELOPE),
            ("grpc.max_send_message_length", settings.grpc_send_bytes or -1),
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
        self._health = health.HealthServicer()
        _add_standard_services(self._server, self._health)
        host = f"[{address[0]}]" if ":" in address[0] else address[0]
        try:
            self.port = _listen(self._server, f"{host}:{address[1]}", settings)
        except RuntimeError as error:
            raise grpc_taken(*address, error) from error

    def start(self) -> None:
        """Begins to accept connections."""
        self.show_health()
        self._server.start()

    def show_health(self) -> None:
        """Brings the health service up to date: one entry a model, and the empty name for the whole server."""
        from grpc_health.v1 import health_pb2

        words = health_pb2.HealthCheckResponse
        ready = {name: model.ready for name, model in self._service.models.items()}
        for name, fine in {"": self._service.ready, **ready}.items():
            self._health.set(name, words.SERVING if fine else words.NOT_SERVING)

    def stop(self, grace: float) -> None:
        """Takes no new calls, and lets those in progress finish for `grace` seconds."""
        self._health.enter_graceful_shutdown()
        self._server.stop(grace).wait()
        self._executor.shutdown(wait=False)


class _Servicer:
    """Answers some methods, and the others as the generated base class does: not implemented."""

    def __init__(self, base: Any, methods: dict[str, Callable[[Any, Any], Any]]) -> None:
        self._base, self._methods = base, methods

    def __getattr__(self, name: str) -> Any:
        if name not in self._methods:
            return getattr(self._base, name)
        method = self._methods[name]

        def answer(request: Any, context: Any) -> Any:
            try:
                return method(request, context)
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

    def predict(self, request: Any, context: Any) -> Any:
        """PredictionService.Predict. A call that its client has given up leaves the queue."""
        from tensorflow_serving.apis import predict_pb2

        spec, service = request.model_spec, self._service
        with service.request(spec.name, "grpc"):
            if not context.is_active():
                raise cancelled()
            with service.model(spec.name).use(*_choice(spec)) as lease:
                name = spec.signature_name or DEFAULT_SIGNATURE
                signature = lease.version.signature(name)
                check_names(set(request.inputs), signature)
                limit = service.settings.max_body_bytes
                inputs = {key: grpc_tensors.to_array(value, key, limit) for key, value in request.inputs.items()}
                check_arrays(inputs, signature, service.settings.max_rows)
                wanted = _wanted(request.output_filter, signature.outputs)
                outputs = lease.run(name, inputs, lambda future: _cancel_with(context, future))
            response = predict_pb2.PredictResponse()
            _fill_spec(response.model_spec, spec.name, lease.version.number, name)
            for key in wanted:
                grpc_tensors.fill(response.outputs[key], outputs[key])
            return response

    def metadata(self, request: Any, context: Any) -> Any:
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

    def status(self, request: Any, context: Any) -> Any:
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


def _wanted(names: Any, outputs: Mapping[str, Any]) -> list[str]:
    """The outputs that a request asks for, all of them where it names none."""
    wanted = list(names) or list(outputs)
    if not set(wanted) <= set(outputs):
        raise invalid(f"output_filter names unknown outputs; there is: {', '.join(outputs)}")
    for name in wanted:
        if wanted.count(name) > 1:
            raise invalid(f'output_filter names "{name}" twice')
    return wanted


def _cancel_with(context: Any, future: Any) -> None:
    if not context.add_callback(future.cancel):  # it is over already
        future.cancel()


def _add_standard_services(server: Any, health_servicer: Any) -> None:
    """`grpc.health.v1` for load balancers, and reflection for tools such as grpcurl."""
    import grpc
    from grpc_health.v1 import health, health_pb2_grpc
    from grpc_reflection.v1alpha import reflection, reflection_pb2
    from tensorflow_serving.apis import model_service_pb2, prediction_service_pb2

    health_pb2_grpc.add_HealthServicer_to_server(health_servicer, server)
    files = (prediction_service_pb2.DESCRIPTOR, model_service_pb2.DESCRIPTOR)
    names = [service.full_name for file in files for service in file.services_by_name.values()]
    names += [health.SERVICE_NAME, reflection.SERVICE_NAME]
    reflection.enable_server_reflection(names, server)
    # The same messages under the name that newer tools ask for first.
    method = grpc.stream_stream_rpc_method_handler(
        reflection.ReflectionServicer(names).ServerReflectionInfo,
        reflection_pb2.ServerReflectionRequest.FromString,
        reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    service = reflection.SERVICE_NAME.replace("v1alpha", "v1")
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(service, {"ServerReflectionInfo": method})])


def _listen(server: Any, address: str, settings: Settings) -> int:
    """The port; encrypted where a certificate is given."""
    if settings.tls_cert is None:
        return int(server.add_insecure_port(address))
    import grpc

    chain = Path(settings.tls_cert).read_bytes()
    key = Path(settings.tls_key or settings.tls_cert).read_bytes()
    return int(server.add_secure_port(address, grpc.ssl_server_credentials([(key, chain)])))


def _choice(spec: Any) -> tuple[int | None, str | None]:
    """The version and the label that a model spec names."""
    chosen = spec.WhichOneof("version_choice")
    version = spec.version.value if chosen == "version" else None
    return version, spec.version_label if chosen == "version_label" else None


def _fill_spec(spec: Any, name: str, version: int, signature: str) -> None:
    spec.name, spec.signature_name = name, signature
    spec.version.value = version
