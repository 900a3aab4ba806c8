//! The words that each room may not say, and why. How they are found is the scanner's business.

/// Words that a room may not say. A crate's name is found at the front of a path of the code, a longer word
/// wherever its segments follow one another in one. Groups of `use` are spelled out, `self` and `super` are
/// resolved, comments and strings do not count.
pub(crate) struct Ban {
    /// Beginnings of the files' paths that it holds for.
    pub(crate) rooms: &'static [&'static str],
    /// Beginnings of paths that it does not hold for.
    pub(crate) except: &'static [&'static str],
    pub(crate) words: &'static [&'static str],
    pub(crate) reason: &'static str,
}

pub(crate) const EVERYWHERE: &[&str] = &[
    "models/src/",
    "pipelines/src/",
    "daemon/",
    "tests/",
    "benches/",
    "examples/",
];

pub(crate) const BANS: &[Ban] = &[
    // === models ===
    Ban {
        rooms: &["models/src/"],
        except: &[],
        words: &[
            "actix",
            "actix_rt",
            "actix_web",
            "tokio",
            "flume",
            "async",
            "sled",
            "std::net",
            "impresario",
            "impresario_pipelines",
        ],
        reason: "models says what a model is: synchronous, no actor, no store, no socket, no route",
    },
    Ban {
        rooms: &["models/src/"],
        // How long the stages of a load took is part of what a load tells.
        except: &["models/src/loader/load.rs"],
        words: &["Instant::now", "SystemTime::now"],
        reason: "a time is an argument here, so that tests can drive it",
    },
    // === pipelines ===
    Ban {
        rooms: &["pipelines/src/"],
        // A test that takes the seed of the walk that failed.
        except: &["pipelines/src/rollout/tests/walk.rs"],
        words: &[
            "std::fs",
            "std::net",
            "std::io",
            "std::env",
            "std::process",
            "std::thread",
            "actix",
            "actix_rt",
            "actix_web",
            "tokio",
            "flume",
            "async",
            "sled",
            "impresario",
        ],
        reason: "pipelines decides and performs nothing: no I/O, no async, no thread",
    },
    Ban {
        rooms: &["pipelines/src/"],
        except: &[],
        words: &[
            "Instant::now",
            "SystemTime::now",
            "std::time::Instant",
            "std::time::SystemTime",
            "rand",
            "getrandom",
            "uuid",
        ],
        reason: "`now` and `draw` are arguments, so that every decision can be replayed",
    },
    Ban {
        rooms: &["pipelines/src/"],
        except: &[],
        words: &[
            "impresario_models::backend",
            "impresario_models::golden",
            "impresario_models::loader",
            "impresario_models::package",
            "impresario_models::repository",
        ],
        reason: "pipelines knows of a model its name, its tensors and its contract",
    },
    // === daemon ===
    Ban {
        rooms: &["daemon/"],
        except: &["daemon/clock.rs"],
        words: &["Instant::now", "SystemTime::now"],
        reason: "time enters through daemon/clock.rs only",
    },
    Ban {
        rooms: &["daemon/"],
        except: &["daemon/store/"],
        words: &["sled", "crate::store::sled"],
        reason: "the engine of the state is behind `trait Store`",
    },
    Ban {
        rooms: &["daemon/"],
        except: &["daemon/actors/"],
        words: &[
            "actix::Actor",
            "actix::Context",
            "actix::Handler",
            "actix::Addr",
        ],
        reason: "actors are few and live in daemon/actors; others hold a handle",
    },
    Ban {
        rooms: &["daemon/"],
        except: &["daemon/http/", "daemon/boot.rs", "daemon/boot/"],
        words: &["actix_web"],
        reason: "HTTP is one door among others; what is behind it knows no protocol",
    },
    Ban {
        rooms: &["daemon/codec/"],
        except: &[],
        words: &[
            "actix",
            "actix_rt",
            "actix_web",
            "tokio",
            "async",
            "crate::actors",
            "crate::http",
            "crate::grpc",
            "crate::serve",
            "crate::store",
        ],
        reason: "the codec is bytes and contracts: no socket, no route, no state",
    },
    Ban {
        rooms: &["daemon/http/", "daemon/grpc/"],
        except: &["daemon/http/admin/", "daemon/http/admin.rs"],
        words: &["crate::store"],
        reason: "the store is never on a request's path",
    },
    Ban {
        rooms: &["daemon/plane/"],
        except: &[],
        words: &[
            "crate::http",
            "crate::grpc",
            "crate::embed",
            "crate::boot",
            "crate::config",
            "actix",
        ],
        reason: "what both doors answer is in the form of neither",
    },
    Ban {
        rooms: &["daemon/http/"],
        except: &[],
        words: &["crate::grpc"],
        reason: "the doors stand side by side; what they share is in plane, codec and serve",
    },
    Ban {
        rooms: &["daemon/grpc/"],
        except: &[],
        words: &["crate::http"],
        reason: "the doors stand side by side; what they share is in plane, codec and serve",
    },
    Ban {
        rooms: &["daemon/"],
        except: &["daemon/grpc/"],
        words: &["tonic", "prost"],
        reason: "gRPC is one door among others; what is behind it knows no protocol",
    },
    Ban {
        rooms: &["daemon/serve/"],
        except: &[],
        words: &[
            "crate::http",
            "crate::store",
            "crate::embed",
            "crate::boot",
            "crate::config",
            "crate::actors::supervisor",
            "actix",
            "actix_web",
        ],
        reason: "a request's path knows no protocol, and neither store nor supervisor is on it",
    },
    Ban {
        rooms: &["daemon/actors/"],
        except: &[],
        words: &[
            "crate::http",
            "crate::serve",
            "crate::embed",
            "crate::boot",
            "crate::config",
        ],
        reason: "actors are asked by the doors and know none of them",
    },
    Ban {
        rooms: &["daemon/store/", "daemon/measure/"],
        except: &[],
        words: &[
            "actix",
            "actix_rt",
            "actix_web",
            "tokio",
            "crate::actors",
            "crate::http",
            "crate::serve",
            "crate::embed",
            "crate::boot",
            "crate::config",
        ],
        reason: "store and measure are leaves: whoever keeps or counts does not know for whom",
    },
    Ban {
        rooms: &["daemon/feedback/"],
        except: &[],
        words: &[
            "actix",
            "actix_rt",
            "actix_web",
            "tokio",
            "crate::actors",
            "crate::http",
            "crate::grpc",
            "crate::serve",
            "crate::plane",
            "crate::embed",
            "crate::boot",
            "crate::config",
        ],
        reason: "feedback is a leaf: it is told of requests and of what callers say, and by whom is not known there",
    },
    Ban {
        rooms: &["daemon/notify/"],
        except: &[],
        words: &[
            "actix",
            "actix_rt",
            "actix_web",
            "crate::actors",
            "crate::http",
            "crate::grpc",
            "crate::serve",
            "crate::plane",
            "crate::embed",
            "crate::boot",
            "crate::config",
        ],
        reason: "webhooks are told of records and tell them on; by whom is not known there",
    },
    // === everybody ===
    Ban {
        rooms: EVERYWHERE,
        except: &[
            // A slow version is what this fake is.
            "models/src/backend/fake/",
            // A daemon that went away is asked again after a while, so many times.
            "daemon/cli/rollout/watch.rs",
            // A process that has just ended may hold the lock for a moment; the wait is bounded.
            "daemon/store/sled/open.rs",
        ],
        words: &["thread::sleep"],
        reason: "a sleep is no synchronisation: wait for what is to happen, with a limit",
    },
    Ban {
        rooms: EVERYWHERE,
        except: &[],
        words: &["todo!", "unimplemented!", "dbg!"],
        reason: "what is not there is not offered",
    },
    Ban {
        rooms: EVERYWHERE,
        except: &[],
        words: &["#[ignore"],
        reason: "a test that does not run tests nothing: mend it or delete it",
    },
];
