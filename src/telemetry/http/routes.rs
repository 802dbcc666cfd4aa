//! What each path answers.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Method, Request, Response, StatusCode, header};
use serde_json::{Value, json};

use super::status;
use crate::telemetry::{Telemetry, metrics};

/// The paths there are.
const PATHS: [&str; 5] = ["/metrics", "/healthz", "/readyz", "/status", "/settings"];

/// Answers one request. The body of the request, if any, is not read.
pub(super) fn respond<B>(request: &Request<B>, telemetry: &Arc<Telemetry>) -> Response<Full<Bytes>> {
    let path = request.uri().path();
    if !PATHS.contains(&path) {
        let error = format!("there is no {path} here; there are {}", PATHS.join(", "));
        return json_response(StatusCode::NOT_FOUND, &json!({ "error": error }));
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let error = format!("{path} is read with GET or HEAD, not with {}", request.method());
        let mut response = json_response(StatusCode::METHOD_NOT_ALLOWED, &json!({ "error": error }));
        response.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    match path {
        "/metrics" => text_response(metrics::CONTENT_TYPE, metrics::render(telemetry)),
        "/readyz" => {
            let code =
                if telemetry.readiness().ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
            json_response(code, &status::readiness(telemetry))
        }
        "/status" => json_response(StatusCode::OK, &status::status(telemetry)),
        "/settings" => json_response(StatusCode::OK, &status::settings(telemetry)),
        // Being able to answer is what it says.
        _ => text_response("text/plain; charset=utf-8", "ok\n".to_owned()),
    }
}

fn text_response(content_type: &'static str, text: String) -> Response<Full<Bytes>> {
    response(StatusCode::OK, content_type, text)
}

fn json_response(code: StatusCode, value: &Value) -> Response<Full<Bytes>> {
    response(code, "application/json", format!("{value:#}\n"))
}

fn response(code: StatusCode, content_type: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = code;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    response
}
