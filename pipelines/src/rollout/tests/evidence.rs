//! Stories of what the evidence decides.

use expect_test::expect;

use super::world::story as check;

#[test]
fn harm_is_named_with_its_numbers() {
    check(
        "5 % | analyze",
        "for 3s
         count canary 240 12 stable 4760 3
         for 1s
         for 1s
         show
         for 1h
         ann: retry 9
         show",
        expect![[r#"
            > for 3s
              0 %    preparing         rollout.prepare: version 2 is made ready, without traffic
              5 %    baking            rollout.start: version 2 is ready: step 1 of 2: 5 % of the traffic
              5 %    baking            rollout.advance: step 2 of 2: analysis 'quick', because the canary has 5 % of the traffic
            > count canary 240 12 stable 4760 3
            > for 1s
              0 %    aborting          rollout.abort: aborted: errors: 12 of 240 on the canary (5.0 %) against 3 of 4,760 on the stable (0.06 %), evidence of harm 10^10 to 1 (limit 100)
            > for 1s
              0 %    rolled-back       rollout.roll-back: version 1 has all of the traffic (aborted: errors: 12 of 240 on the canary (5.0 %) against 3 of 4,760 on the stable (0.06 %), evidence of harm 10^10 to 1 (limit 100))
            > show
              rolled-back after 1 of 2 steps at 0 %, segment 2, baked 0s, needs stable true, canary false
            > for 1h
            > ann: retry 9
              0 %    pending           rollout.retry: tried again by ann, with new evidence
            > show
              pending at 0 %, segment 0, baked 0s, needs stable true, canary false
        "#]],
    );
}

#[test]
fn a_rate_above_the_ceiling_aborts_whatever_the_stable_does() {
    check(
        "25 % | analyze",
        "for 3s
         count canary 300 120 stable 900 360
         for 1s",
        expect![[r#"
            > for 3s
              0 %    preparing         rollout.prepare: version 2 is made ready, without traffic
              25 %   baking            rollout.start: version 2 is ready: step 1 of 2: 25 % of the traffic
              25 %   baking            rollout.advance: step 2 of 2: analysis 'quick', because the canary has 25 % of the traffic
            > count canary 300 120 stable 900 360
            > for 1s
              0 %    aborting          rollout.abort: aborted: errors: 120 of 300 on the canary (40.0 %) against 360 of 900 on the stable (40.0 %), at least 29.6 % where 20.0 % is the ceiling
        "#]],
    );
}

#[test]
fn answers_that_break_the_contract_abort() {
    check(
        "5 % | pause 1h",
        "for 3s
         count canary 50 0 stable 950 0 violations 3
         for 1s
         count canary 5 0 stable 95 0 violations 1
         for 1s",
        expect![[r#"
            > for 3s
              0 %    preparing         rollout.prepare: version 2 is made ready, without traffic
              5 %    baking            rollout.start: version 2 is ready: step 1 of 2: 5 % of the traffic
              5 %    baking            rollout.advance: step 2 of 2: pause of 1h, because the canary has 5 % of the traffic
            > count canary 50 0 stable 950 0 violations 3
            > for 1s
              waits: pausing for another 1h
            > count canary 5 0 stable 95 0 violations 1
            > for 1s
              0 %    aborting          rollout.abort: aborted: 4 answers of the canary broke the contract (7.3 % of its requests, limit 3) against 0 of the stable's
        "#]],
    );
}

#[test]
fn a_trip_takes_the_traffic_away_at_once() {
    check(
        "5 % | pause 1h",
        "for 3s
         ann: pause
         count canary 5 5 stable 90 0
         trip canary
         for 1s
         trip no
         for 1s",
        expect![[r#"
            > for 3s
              0 %    preparing         rollout.prepare: version 2 is made ready, without traffic
              5 %    baking            rollout.start: version 2 is ready: step 1 of 2: 5 % of the traffic
              5 %    baking            rollout.advance: step 2 of 2: pause of 1h, because the canary has 5 % of the traffic
            > ann: pause
              5 %    paused            rollout.pause: paused by ann: the canary keeps 5 % of the traffic
            > count canary 5 5 stable 90 0
            > trip canary
            > for 1s
              0 %    aborting          rollout.abort: aborted: the canary fails again and again while the stable is healthy (errors: 5 of 5 on the canary (100.0 %) against 0 of 90 on the stable (0 %))
            > trip no
            > for 1s
              0 %    rolled-back       rollout.roll-back: version 1 has all of the traffic (aborted: the canary fails again and again while the stable is healthy (errors: 5 of 5 on the canary (100.0 %) against 0 of 90 on the stable (0 %)))
        "#]],
    );
}

#[test]
fn an_incident_of_both_is_nobodys_fault() {
    check(
        "5 % | pause 1m",
        "for 3s
         trip both
         for 2s
         for 5m
         ann: promote full
         trip no
         for 1s
         for 50s
         for 20s",
        expect![[r#"
            > for 3s
              0 %    preparing         rollout.prepare: version 2 is made ready, without traffic
              5 %    baking            rollout.start: version 2 is ready: step 1 of 2: 5 % of the traffic
              5 %    baking            rollout.advance: step 2 of 2: pause of 1m, because the canary has 5 % of the traffic
            > trip both
            > for 2s
              5 %    held              rollout.hold: held: both versions fail, so the canary is not to blame
            > for 5m
              waits: held until the versions do not fail any more
            > ann: promote full
              refused[evidence-against]: both versions fail: the rollout can be aborted, or promoted in full with a reason (force)
            > trip no
            > for 1s
              5 %    baking            rollout.release: the versions do not fail any more
            > for 50s
              waits: pausing for another 10s
            > for 20s
              100 %  promoting         rollout.promote: the canary gets all of the traffic, because the pause of 1m is over
              100 %  soaking           rollout.soak: version 2 has all of the traffic; version 1 stays in memory for 10m
        "#]],
    );
}

#[test]
fn wrong_shares_hold_and_are_never_promoted() {
    check(
        "10 % | analyze or advance",
        "for 3s
         count canary 2000 0 stable 9000 0
         for 1s
         for 2h
         ann: promote
         ann: promote by force it is urgent
         ann: skip
         ann: promote full
         ann: resume
         ann: set-weight 20
         ann: set-weight 1
         ann: promote full by force  
         ann: promote full by force the proxy retries, and we know why
         for 1s
         show",
        expect![[r#"
            > for 3s
              0 %    preparing         rollout.prepare: version 2 is made ready, without traffic
              10 %   baking            rollout.start: version 2 is ready: step 1 of 2: 10 % of the traffic
              10 %   baking            rollout.advance: step 2 of 2: analysis 'quick', because the canary has 10 % of the traffic
            > count canary 2000 0 stable 9000 0
            > for 1s
              10 %   held              rollout.hold: held: the arms do not get the shares that they should: 2,000 requests on the canary and 9,000 on the stable at 10 % of the traffic, evidence 10^83 to 1 (limit 1,000)
            > for 2h
              waits: held until somebody has found out why the shares are wrong: abort it, or promote it by force
            > ann: promote
              refused[evidence-against]: the arms do not get the shares that they should (evidence 10^83 to 1): the rollout can be aborted, or promoted in full with a reason (force)
            > ann: promote by force it is urgent
              refused[evidence-against]: the arms do not get the shares that they should (evidence 10^83 to 1): the rollout can be aborted, or promoted in full with a reason (force)
            > ann: skip
              refused[evidence-against]: the arms do not get the shares that they should (evidence 10^83 to 1): the rollout can be aborted, or promoted in full with a reason (force)
            > ann: promote full
              refused[evidence-against]: the arms do not get the shares that they should (evidence 10^83 to 1): the rollout can be aborted, or promoted in full with a reason (force)
            > ann: resume
              refused[wrong-phase]: the rollout is held (sample-ratio): it can be aborted, promoted, skipped ahead, given a weight or paused, not resumed
            > ann: set-weight 20
              refused[evidence-against]: the arms do not get the shares that they should (evidence 10^83 to 1): the rollout can be aborted, or promoted in full with a reason (force)
            > ann: set-weight 1
              1 %    held              rollout.set-weight: ann gave the canary 1 % of the traffic instead of 10 %
            > ann: promote full by force
              refused[reason-missing]: expected a reason for it, got none
            > ann: promote full by force the proxy retries, and we know why
              100 %  promoting         rollout.promote: promoted in full by ann, by force: the proxy retries, and we know why: 1 of 2 steps were left
            > for 1s
              100 %  soaking           rollout.soak: version 2 has all of the traffic; version 1 stays in memory for 10m
            > show
              soaking at 100 %, segment 3, baked 0s, needs stable true, canary true
        "#]],
    );
}

#[test]
fn the_deadline_holds() {
    check(
        "5 % | analyze",
        "for 3s
         count canary 150 1 stable 2850 20
         for 59m
         for 2m
         ann: resume
         for 59m
         for 2m
         count canary 3000 1 stable 57000 300
         for 1s",
        expect![[r#"
            > for 3s
              0 %    preparing         rollout.prepare: version 2 is made ready, without traffic
              5 %    baking            rollout.start: version 2 is ready: step 1 of 2: 5 % of the traffic
              5 %    baking            rollout.advance: step 2 of 2: analysis 'quick', because the canary has 5 % of the traffic
            > count canary 150 1 stable 2850 20
            > for 59m
              waits: not shown to be safe yet, which takes evidence 20 to 1: errors (evidence 1.8 to 1), non-finite (evidence 1.0 to 1)
            > for 2m
              5 %    held              rollout.hold: held: the deadline passed after 1h: not shown to be safe yet, which takes evidence 20 to 1: errors (evidence 1.8 to 1), non-finite (evidence 1.0 to 1)
            > ann: resume
              5 %    baking            rollout.resume: resumed by ann: after 1h the evidence gets as much time again
            > for 59m
              waits: not shown to be safe yet, which takes evidence 20 to 1: errors (evidence 1.8 to 1), non-finite (evidence 1.0 to 1)
            > for 2m
              5 %    held              rollout.hold: held: the deadline passed after 1h: not shown to be safe yet, which takes evidence 20 to 1: errors (evidence 1.8 to 1), non-finite (evidence 1.0 to 1)
            > count canary 3000 1 stable 57000 300
            > for 1s
              100 %  promoting         rollout.promote: the canary gets all of the traffic, because every guardrail is shown to be safe, with 3150 units on the canary and 59850 on the stable
        "#]],
    );
}

#[test]
fn the_deadline_advances_only_with_data() {
    check(
        "5 % | analyze or advance",
        "for 3s
         for 61m
         for 1h
         count canary 150 1 stable 2850 20
         for 1s",
        expect![[r#"
            > for 3s
              0 %    preparing         rollout.prepare: version 2 is made ready, without traffic
              5 %    baking            rollout.start: version 2 is ready: step 1 of 2: 5 % of the traffic
              5 %    baking            rollout.advance: step 2 of 2: analysis 'quick', because the canary has 5 % of the traffic
            > for 61m
              5 %    held              rollout.hold: held: the deadline passed after 1h: 0 units on the canary and 0 on the stable, where 100 each are needed
            > for 1h
              waits: held until there is traffic, or somebody decides
            > count canary 150 1 stable 2850 20
            > for 1s
              100 %  promoting         rollout.promote: the canary gets all of the traffic, because the deadline passed after 1h: not shown to be safe yet, which takes evidence 20 to 1: errors (evidence 1.8 to 1), non-finite (evidence 1.0 to 1)
        "#]],
    );
}

#[test]
fn the_deadline_aborts() {
    check(
        "5 % | analyze or abort",
        "for 3s\nfor 61m\nfor 1s",
        expect![[r#"
            > for 3s
              0 %    preparing         rollout.prepare: version 2 is made ready, without traffic
              5 %    baking            rollout.start: version 2 is ready: step 1 of 2: 5 % of the traffic
              5 %    baking            rollout.advance: step 2 of 2: analysis 'quick', because the canary has 5 % of the traffic
            > for 61m
              0 %    aborting          rollout.abort: aborted: the deadline passed after 1h: 0 units on the canary and 0 on the stable, where 100 each are needed
              0 %    rolled-back       rollout.roll-back: version 1 has all of the traffic (aborted: the deadline passed after 1h: 0 units on the canary and 0 on the stable, where 100 each are needed)
            > for 1s
        "#]],
    );
}

#[test]
fn a_shadow_that_disagrees_is_held() {
    check(
        "shadow | 5 %",
        "for 2s
         for 1h
         shadow 800 0.9
         for 24h
         ann: promote
         ann: undo",
        expect![[r#"
            > for 2s
              0 %    preparing         rollout.prepare: version 2 is made ready, without traffic
              0 %    shadow            rollout.start: version 2 is ready: step 1 of 2: 500 pairs in the shadow
            > for 1h
              waits: no pair of 500 was compared
            > shadow 800 0.9
            > for 24h
              0 %    held              rollout.hold: held: 800 of 500 pairs were compared, 90.0 % agree where 99.0 % must
            > ann: promote
              5 %    baking            rollout.promote: promoted by ann: step 2 of 2: 5 % of the traffic
            > ann: undo
              refused[wrong-phase]: the rollout is baking: it can be paused, promoted, skipped ahead, given a weight or aborted, not undone
        "#]],
    );
}

#[test]
fn strong_evidence_below_the_limit_is_a_doubt() {
    check(
        "5 % | analyze",
        "for 3s
         count canary 240 4 stable 4760 6
         for 1s
         ann: promote full
         ann: set-weight 10
         ann: set-weight 2
         ann: promote full by force the errors are known, and harmless
         for 1s
         count canary 1000 400 stable 0 0
         for 1s
         trip canary
         for 1s",
        expect![[r#"
            > for 3s
              0 %    preparing         rollout.prepare: version 2 is made ready, without traffic
              5 %    baking            rollout.start: version 2 is ready: step 1 of 2: 5 % of the traffic
              5 %    baking            rollout.advance: step 2 of 2: analysis 'quick', because the canary has 5 % of the traffic
            > count canary 240 4 stable 4760 6
            > for 1s
              waits: analysis 'quick' takes another 1m at the least
            > ann: promote full
              refused[evidence-against]: evidence of harm stands at 57 to 1: the rollout can be aborted, or promoted in full with a reason (force)
            > ann: set-weight 10
              refused[evidence-against]: evidence of harm stands at 57 to 1: the rollout can be aborted, or promoted in full with a reason (force)
            > ann: set-weight 2
              2 %    baking            rollout.set-weight: ann gave the canary 2 % of the traffic instead of 5 %
            > ann: promote full by force the errors are known, and harmless
              100 %  promoting         rollout.promote: promoted in full by ann, by force: the errors are known, and harmless: 1 of 2 steps were left
            > for 1s
              100 %  soaking           rollout.soak: version 2 has all of the traffic; version 1 stays in memory for 10m
            > count canary 1000 400 stable 0 0
            > for 1s
              waits: soaking for another 10m
            > trip canary
            > for 1s
              0 %    aborting          rollout.abort: aborted: the canary fails again and again while the stable is healthy (errors: 404 of 1,240 on the canary (32.6 %) against 6 of 4,760 on the stable (0.13 %))
        "#]],
    );
}

#[test]
fn the_ceiling_holds_while_soaking() {
    check(
        "5 % | analyze",
        "for 3s
         ann: promote full
         for 1s
         count canary 1000 400 stable 0 0
         for 1s",
        expect![[r#"
            > for 3s
              0 %    preparing         rollout.prepare: version 2 is made ready, without traffic
              5 %    baking            rollout.start: version 2 is ready: step 1 of 2: 5 % of the traffic
              5 %    baking            rollout.advance: step 2 of 2: analysis 'quick', because the canary has 5 % of the traffic
            > ann: promote full
              100 %  promoting         rollout.promote: promoted in full by ann: 1 of 2 steps were left
            > for 1s
              100 %  soaking           rollout.soak: version 2 has all of the traffic; version 1 stays in memory for 10m
            > count canary 1000 400 stable 0 0
            > for 1s
              0 %    aborting          rollout.abort: aborted: errors: 400 of 1,000 on the canary (40.0 %) against 0 of 0 on the stable, at least 34.5 % where 20.0 % is the ceiling
        "#]],
    );
}
