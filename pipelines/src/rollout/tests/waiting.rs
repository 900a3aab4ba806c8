//! Stories of time and presence: freezes, pauses, approvals, clocks, and versions that go away.

use expect_test::expect;

use super::world::story as check;

#[test]
fn a_frozen_rollout_does_not_advance_and_still_aborts() {
    check(
        "5 % | pause 1m | 50 % | pause 1m",
        "ann: freeze
         ann: freeze
         for 10s
         ann: unfreeze
         ann: unfreeze
         for 3s
         ann: freeze 10m
         for 5m
         ann: skip
         ann: promote full
         for 6m
         window 1h
         for 1m
         clock +1h
         for 1m
         daemon frozen by bob
         for 10m
         ann: promote
         trip canary
         for 1s",
        expect![[r#"
            > ann: freeze
              0 %    pending           rollout.freeze: frozen by ann until it is taken back
            > ann: freeze
              no change
            > for 10s
              waits: frozen by ann
            > ann: unfreeze
              0 %    pending           rollout.unfreeze: unfrozen by ann
            > ann: unfreeze
              no change
            > for 3s
              0 %    preparing         rollout.prepare: version 2 is made ready, without traffic
              5 %    baking            rollout.start: version 2 is ready: step 1 of 4: 5 % of the traffic
              5 %    baking            rollout.advance: step 2 of 4: pause of 1m, because the canary has 5 % of the traffic
            > ann: freeze 10m
              5 %    baking            rollout.freeze: frozen by ann for 10m
            > for 5m
              waits: frozen by ann for another 5m
            > ann: skip
              refused[frozen]: the rollout does not advance now (frozen by ann for another 5m): unfreeze it, or promote it with a reason (force)
            > ann: promote full
              refused[frozen]: the rollout does not advance now (frozen by ann for another 5m): unfreeze it, or promote it with a reason (force)
            > for 6m
              50 %   baking            rollout.advance: step 3 of 4: 50 % of the traffic, because the pause of 1m is over
              50 %   baking            rollout.advance: step 4 of 4: pause of 1m, because the canary has 50 % of the traffic
            > window 1h
            > for 1m
              waits: a freeze window is open
            > clock +1h
            > for 1m
              100 %  promoting         rollout.promote: the canary gets all of the traffic, because the pause of 1m is over
            > daemon frozen by bob
            > for 10m
              100 %  soaking           rollout.soak: version 2 has all of the traffic; version 1 stays in memory for 10m
            > ann: promote
              refused[wrong-phase]: the rollout is soaking: it can be undone, aborted or skipped ahead, not promoted
            > trip canary
            > for 1s
              0 %    aborting          rollout.abort: aborted: the canary fails again and again while the stable is healthy
        "#]],
    );
}

#[test]
fn a_pause_stops_the_clock() {
    check(
        "5 % | pause 1m",
        "ann: pause
         for 10s
         ann: resume
         for 33s
         ann: pause
         ann: pause
         show
         for 1h
         ann: promote
         ann: set-weight 10
         show
         ann: resume
         ann: resume
         for 28s
         for 2s",
        expect![[r#"
            > ann: pause
              0 %    paused            rollout.pause: paused by ann: the canary keeps 0 % of the traffic
            > for 10s
              waits: paused by ann
            > ann: resume
              0 %    pending           rollout.resume: resumed by ann: pending
            > for 33s
              0 %    preparing         rollout.prepare: version 2 is made ready, without traffic
              5 %    baking            rollout.start: version 2 is ready: step 1 of 2: 5 % of the traffic
              5 %    baking            rollout.advance: step 2 of 2: pause of 1m, because the canary has 5 % of the traffic
            > ann: pause
              5 %    paused            rollout.pause: paused by ann: the canary keeps 5 % of the traffic
            > ann: pause
              no change
            > show
              step 2 of 2: pause of 1m at 5 %, segment 1, baked 29s, needs stable true, canary true
            > for 1h
              waits: paused by ann
            > ann: promote
              refused[wrong-phase]: the rollout is paused by ann: it can be resumed, given a weight or aborted, not promoted
            > ann: set-weight 10
              10 %   paused            rollout.set-weight: ann gave the canary 10 % of the traffic instead of 5 %
            > show
              step 2 of 2: pause of 1m at 10 %, segment 2, baked 29s, needs stable true, canary true
            > ann: resume
              10 %   baking            rollout.resume: resumed by ann: step 2 of 2: pause of 1m
            > ann: resume
              no change
            > for 28s
              waits: pausing for another 3s
            > for 2s
              waits: pausing for another 1s
        "#]],
    );
}

#[test]
fn approval_is_given_refused_or_waited_for() {
    check(
        "5 % | approval | 50 % | approval",
        "for 3s
         for 3d
         ann: approve
         ann: approve
         for 3s
         canary gone crashed too often
         for 1s
         canary ready
         for 1s
         ann: reject  
         ann: reject the labels look odd
         ann: reject the labels look odd
         for 1s
         ann: approve",
        expect![[r#"
            > for 3s
              0 %    preparing         rollout.prepare: version 2 is made ready, without traffic
              5 %    baking            rollout.start: version 2 is ready: step 1 of 4: 5 % of the traffic
              5 %    awaiting-approval rollout.advance: step 2 of 4: approval, because the canary has 5 % of the traffic
            > for 3d
              waits: somebody has to approve it, or to reject it
            > ann: approve
              5 %    baking            rollout.approve: approved by ann
            > ann: approve
              no change
            > for 3s
              50 %   baking            rollout.advance: step 3 of 4: 50 % of the traffic, because it was approved
              50 %   awaiting-approval rollout.advance: step 4 of 4: approval, because the canary has 50 % of the traffic
            > canary gone crashed too often
            > for 1s
              0 %    held              rollout.hold: held: the canary is not there and gets no traffic until it is back: crashed too often
            > canary ready
            > for 1s
              50 %   awaiting-approval rollout.release: the canary is back after 1s
            > ann: reject
              refused[reason-missing]: expected a reason for it, got none
            > ann: reject the labels look odd
              0 %    aborting          rollout.reject: rejected by ann: the labels look odd
            > ann: reject the labels look odd
              no change
            > for 1s
              0 %    rolled-back       rollout.roll-back: version 1 has all of the traffic (rejected by ann: the labels look odd)
            > ann: approve
              refused[wrong-phase]: the rollout is rolled back: it can be tried again, not approved
        "#]],
    );
}

#[test]
fn a_canary_that_goes_away_comes_back_or_does_not() {
    check(
        "5 % | pause 1m",
        "for 3s
         for 20s
         canary coming restarting after a crash
         for 5s
         canary ready
         for 2s
         show
         canary coming restarting after a crash
         for 9s
         for 3s
         show
         ann: promote full
         ann: set-weight 7
         canary ready
         for 2s
         canary gone crashed too often
         for 1s
         ann: pause
         for 2m
         for 3m
         for 1s",
        expect![[r#"
            > for 3s
              0 %    preparing         rollout.prepare: version 2 is made ready, without traffic
              5 %    baking            rollout.start: version 2 is ready: step 1 of 2: 5 % of the traffic
              5 %    baking            rollout.advance: step 2 of 2: pause of 1m, because the canary has 5 % of the traffic
            > for 20s
              waits: pausing for another 41s
            > canary coming restarting after a crash
            > for 5s
              waits: the canary is not ready: restarting after a crash
            > canary ready
            > for 2s
              waits: pausing for another 39s
            > show
              step 2 of 2: pause of 1m at 5 %, segment 1, baked 21s, needs stable true, canary true
            > canary coming restarting after a crash
            > for 9s
              waits: the canary is not ready: restarting after a crash
            > for 3s
              0 %    held              rollout.hold: held: the canary is not there and gets no traffic until it is back: restarting after a crash
            > show
              step 2 of 2: pause of 1m at 0 %, segment 2, baked 21s, needs stable true, canary true
            > ann: promote full
              refused[canary-unavailable]: the canary is not ready: the rollout can be aborted, or goes on once the canary is back
            > ann: set-weight 7
              0 %    held              rollout.set-weight: ann gave the canary 7 % of the traffic instead of 5 %, once it is back
            > canary ready
            > for 2s
              7 %    baking            rollout.release: the canary is back after 12s
            > canary gone crashed too often
            > for 1s
              0 %    held              rollout.hold: held: the canary is not there and gets no traffic until it is back: crashed too often
            > ann: pause
              0 %    paused            rollout.pause: paused by ann: the canary keeps 0 % of the traffic
            > for 2m
              waits: paused by ann
            > for 3m
              0 %    aborting          rollout.abort: aborted: the canary was away for 5m: crashed too often
              0 %    rolled-back       rollout.roll-back: version 1 has all of the traffic (aborted: the canary was away for 5m: crashed too often)
            > for 1s
        "#]],
    );
}

#[test]
fn a_canary_that_does_not_become_ready_fails() {
    check(
        "5 % | pause 1m",
        "canary coming loading
         for 5m
         for 6m
         show
         ann: promote full
         ann: retry 8
         canary gone the file is no model
         for 2s
         for 1h",
        expect![[r#"
            > canary coming loading
            > for 5m
              0 %    preparing         rollout.prepare: version 2 is made ready, without traffic
            > for 6m
              0 %    failed-prepare    rollout.fail: version 2 was not ready after 10m: loading
            > show
              failed-prepare at 0 %, segment 0, baked 0s, needs stable true, canary false
            > ann: promote full
              refused[wrong-phase]: the rollout failed to prepare: it can be tried again, not promoted
            > ann: retry 8
              0 %    pending           rollout.retry: tried again by ann, with new evidence
            > canary gone the file is no model
            > for 2s
              0 %    preparing         rollout.prepare: version 2 is made ready, without traffic
              0 %    failed-prepare    rollout.fail: version 2 did not become ready: the file is no model
            > for 1h
        "#]],
    );
}

#[test]
fn a_canary_that_breaks_while_soaking_gives_way_to_the_stable() {
    check(
        "5 % | pause 1s",
        "for 6s
         canary coming restarting after a crash
         for 2s
         canary gone crashed too often
         for 1s",
        expect![[r#"
            > for 6s
              0 %    preparing         rollout.prepare: version 2 is made ready, without traffic
              5 %    baking            rollout.start: version 2 is ready: step 1 of 2: 5 % of the traffic
              5 %    baking            rollout.advance: step 2 of 2: pause of 1s, because the canary has 5 % of the traffic
              100 %  promoting         rollout.promote: the canary gets all of the traffic, because the pause of 1s is over
              100 %  soaking           rollout.soak: version 2 has all of the traffic; version 1 stays in memory for 10m
            > canary coming restarting after a crash
            > for 2s
              waits: the canary is not ready: restarting after a crash
            > canary gone crashed too often
            > for 1s
              0 %    aborting          rollout.abort: aborted: the canary is not there: crashed too often
        "#]],
    );
}

#[test]
fn a_jump_of_the_wall_clock_is_no_time() {
    check(
        "5 % | pause 1m",
        "for 3s
         clock +30d
         for 10s
         clock -60d
         for 48s
         for 3s",
        expect![[r#"
            > for 3s
              0 %    preparing         rollout.prepare: version 2 is made ready, without traffic
              5 %    baking            rollout.start: version 2 is ready: step 1 of 2: 5 % of the traffic
              5 %    baking            rollout.advance: step 2 of 2: pause of 1m, because the canary has 5 % of the traffic
            > clock +30d
            > for 10s
              waits: pausing for another 51s
            > clock -60d
            > for 48s
              waits: pausing for another 3s
            > for 3s
              100 %  promoting         rollout.promote: the canary gets all of the traffic, because the pause of 1m is over
        "#]],
    );
}
