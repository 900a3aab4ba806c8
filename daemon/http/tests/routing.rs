//! Variants that are asked for: by whom they may be, and what is answered where there is none.

use super::*;

const ONE: &str = r#"{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[0.1,2]}]}"#;

#[actix_web::test]
async fn a_variant_is_for_those_who_may_load_and_unload() {
    let (fleet, service) = serve().await;
    let asks = |path: &str, variant: &str| {
        let request = TestRequest::post().uri(path).set_payload(ONE);
        request.insert_header(("x-route-variant", variant))
    };
    let known = ("authorization", "Bearer x");
    let pair = "/v2/models/pair/infer";
    let requests = [
        asks(pair, "standalone"),
        asks(pair, "canary").insert_header(known),
        asks("/v2/models/pair/versions/1/infer", "standalone").insert_header(known),
        asks(pair, "standalone").insert_header(known),
    ];
    let mut lines = String::new();
    for request in requests {
        lines += &ask(&service, request).await;
        lines += "\n";
    }
    expect![[r#"
        401
        content-type: application/json
        {"error":"x-route-variant is for those who may load and unload models: expected a bearer token"}

        400
        content-type: application/json
        {"error":"pipeline 'pair' has no variant 'canary'; it has standalone"}

        400
        content-type: application/json
        {"error":"expected a version of 'pair' or one of its variants, got both"}

        200
        content-type: application/json
        x-route-variant: standalone
        x-route-version: 2
        {"model_name":"pair","model_version":"2","outputs":[{"name":"y","datatype":"FP32","shape":[1,2],"data":[0.1,2.0]},{"name":"label","datatype":"BYTES","shape":[1],"data":["v2"]}]}

    "#]]
    .assert_eq(&lines);
    fleet.stop().await;
}
