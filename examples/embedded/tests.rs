//! The application as its callers see it: verdicts of both versions, and what it refuses.

use actix_web::http::StatusCode;
use actix_web::{App, test, web};

use super::{Verdict, fleet, routes};

#[actix_web::test]
async fn it_classifies_flowers_by_both_versions() {
    let fleet = fleet().await.unwrap();
    assert_eq!(fleet.live().look().report.waits, []);
    let app = App::new()
        .app_data(web::Data::new(fleet.clone()))
        .configure(routes);
    let app = test::init_service(app).await;

    // scikit-learn's own predict_proba of the regression, and the arithmetic of the means.
    for (path, measurements, version, species, probability) in [
        ("/classify", [5.1, 3.5, 1.4, 0.2], 2, "setosa", 0.981_557_2),
        (
            "/classify",
            [6.3, 2.8, 5.1, 1.5],
            2,
            "virginica",
            0.523_898_83,
        ),
        (
            "/classify/baseline",
            [5.1, 3.5, 1.4, 0.2],
            1,
            "setosa",
            0.995_168,
        ),
    ] {
        let body = serde_json::json!({ "measurements": measurements });
        let request = test::TestRequest::post()
            .uri(path)
            .set_json(body)
            .to_request();
        let verdict: Verdict = test::call_and_read_body_json(&app, request).await;
        assert_eq!(
            (verdict.species.as_str(), verdict.version),
            (species, version)
        );
        assert!(
            (verdict.probability - probability).abs() < 1e-4,
            "{path}: {}",
            verdict.probability
        );
    }

    for body in [
        "{\"measurements\":[5.1,3.5,1.4]}",
        "{\"measurements\":\"?\"}",
        "{}",
        "no",
    ] {
        let request = test::TestRequest::post().uri("/classify");
        let request = request
            .insert_header(("content-type", "application/json"))
            .set_payload(body);
        let answer = test::call_service(&app, request.to_request()).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{body}");
    }

    let health = || test::TestRequest::get().uri("/health").to_request();
    assert_eq!(
        test::call_service(&app, health()).await.status(),
        StatusCode::OK
    );
    fleet.stop().await;
}
