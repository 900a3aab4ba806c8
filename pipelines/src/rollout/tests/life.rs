//! Stories of whole rollouts: through the steps, past them, and back.

use expect_test::expect;

use super::world::story as check;

#[test]
fn a_sound_canary_goes_through_every_kind_of_step() {
    check(
        "shadow | 5 % | pause 2m | analyze | approval | 50 % | analyze",
        "canary coming loading
         for 3s
         show
         canary ready
         for 1s
         show
         shadow 499 1.0
         for 5s
         shadow 500 0.996
         for 1s
         slow known
         for 2s
         for 1m
         for 1m
         for 5s
         count canary 60 0 stable 1140 1
         for 2m
         count canary 1500 1 stable 28500 15
         for 1s
         for 5m
         show
         ann: approve
         for 2s
         count canary 3000 2 stable 3000 2
         for 10s
         for 1m
         show
         for 10m
         show",
        expect![[r#"
            > canary coming loading
            > for 3s
              0 %    preparing         rollout.prepare: version 2 is made ready, without traffic
            > show
              preparing at 0 %, segment 0, baked 0s, needs stable true, canary true
            > canary ready
            > for 1s
              0 %    shadow            rollout.start: version 2 is ready: step 1 of 7: 500 pairs in the shadow
            > show
              step 1 of 7: 500 pairs in the shadow at 0 %, segment 0, baked 0s, needs stable true, canary true
            > shadow 499 1.0
            > for 5s
              waits: 499 of 500 pairs were compared, 100.0 % agree where 99.0 % must
            > shadow 500 0.996
            > for 1s
              5 %    baking            rollout.advance: step 2 of 7: 5 % of the traffic, because 500 of 500 pairs were compared, 99.6 % agree where 99.0 % must
            > slow known
            > for 2s
              5 %    baking            rollout.measure: what is slow was measured on the stable, and half of it and 1 ms added: p50 2.0 ms, p90 5.0 ms, p99 9.0 ms
              5 %    baking            rollout.advance: step 3 of 7: pause of 2m, because the canary has 5 % of the traffic
            > for 1m
              waits: pausing for another 1m 1s
            > for 1m
              waits: pausing for another 1s
            > for 5s
              5 %    baking            rollout.advance: step 4 of 7: analysis 'quick', because the pause of 2m is over
            > count canary 60 0 stable 1140 1
            > for 2m
              waits: 60 units on the canary and 1,140 on the stable, where 100 each are needed
            > count canary 1500 1 stable 28500 15
            > for 1s
              5 %    awaiting-approval rollout.advance: step 5 of 7: approval, because every guardrail is shown to be safe, with 1560 units on the canary and 29640 on the stable
            > for 5m
              waits: somebody has to approve it, or to reject it
            > show
              step 5 of 7: approval at 5 %, segment 2, baked 9m 9s, needs stable true, canary true
            > ann: approve
              5 %    baking            rollout.approve: approved by ann
            > for 2s
              50 %   baking            rollout.advance: step 6 of 7: 50 % of the traffic, because it was approved
              50 %   baking            rollout.advance: step 7 of 7: analysis 'quick', because the canary has 50 % of the traffic
            > count canary 3000 2 stable 3000 2
            > for 10s
              waits: analysis 'quick' takes another 51s at the least
            > for 1m
              100 %  promoting         rollout.promote: the canary gets all of the traffic, because every guardrail is shown to be safe, with 4560 units on the canary and 32640 on the stable
              100 %  soaking           rollout.soak: version 2 has all of the traffic; version 1 stays in memory for 10m
            > show
              soaking at 100 %, segment 4, baked 10m 10s, needs stable true, canary true
            > for 10m
              100 %  succeeded         rollout.succeed: version 2 soaked for 10m
            > show
              succeeded at 100 %, segment 4, baked 10m 10s, needs stable false, canary true
        "#]],
    );
}

#[test]
fn promoted_in_full_the_steps_are_left_out() {
    check(
        "5 % | pause 1h | 50 % | pause 1h",
        "canary coming loading
         for 2s
         ann: promote 2
         ann: promote full
         ann: promote full
         for 1m
         canary ready
         for 2s
         ann: pause
         ann: promote full
         show",
        expect![[r#"
            > canary coming loading
            > for 2s
              0 %    preparing         rollout.prepare: version 2 is made ready, without traffic
            > ann: promote 2
              refused[wrong-phase]: the rollout is preparing: it can be promoted in full, not promoted to a step
            > ann: promote full
              0 %    preparing         rollout.promote: promoted in full by ann: the canary gets all of the traffic once it is ready
            > ann: promote full
              no change
            > for 1m
              waits: the canary is not ready: loading
            > canary ready
            > for 2s
              100 %  promoting         rollout.start: version 2 is ready and was promoted in full
              100 %  soaking           rollout.soak: version 2 has all of the traffic; version 1 stays in memory for 10m
            > ann: pause
              refused[wrong-phase]: the rollout is soaking: it can be undone, aborted or skipped ahead, not paused
            > ann: promote full
              no change
            > show
              soaking at 100 %, segment 1, baked 0s, needs stable true, canary true
        "#]],
    );
}

#[test]
fn steps_are_reached_forward_and_with_a_reason_backward() {
    check(
        "5 % | pause 1h | 50 % | pause 1h",
        "for 3s
         ann: set-weight 8
         ann: set-weight 8
         ann: set-weight 100
         ann: promote 5
         ann: promote 4
         ann: promote 4
         ann: promote 2
         ann: promote 2 by force half of the traffic is too much at night
         ann: promote
         ann: skip
         ann: skip
         for 1s
         ann: skip
         show
         for 1s",
        expect![[r#"
            > for 3s
              0 %    preparing         rollout.prepare: version 2 is made ready, without traffic
              5 %    baking            rollout.start: version 2 is ready: step 1 of 4: 5 % of the traffic
              5 %    baking            rollout.advance: step 2 of 4: pause of 1h, because the canary has 5 % of the traffic
            > ann: set-weight 8
              8 %    baking            rollout.set-weight: ann gave the canary 8 % of the traffic instead of 5 %
            > ann: set-weight 8
              no change
            > ann: set-weight 100
              refused[invalid-weight]: expected a weight below 100 %, got 100 %: promoting gives the canary all of the traffic
            > ann: promote 5
              refused[unknown-step]: the rollout has steps 1 to 4, got 5
            > ann: promote 4
              50 %   baking            rollout.promote: promoted by ann: step 4 of 4: pause of 1h
            > ann: promote 4
              no change
            > ann: promote 2
              refused[step-backwards]: step 2 lies before step 4: going back needs a reason (force)
            > ann: promote 2 by force half of the traffic is too much at night
              5 %    baking            rollout.promote: promoted by ann, by force: half of the traffic is too much at night: step 2 of 4: pause of 1h
            > ann: promote
              50 %   baking            rollout.promote: promoted by ann: step 3 of 4: 50 % of the traffic
            > ann: skip
              50 %   baking            rollout.skip: ann left step 3 of 4: 50 % of the traffic: step 4 of 4: pause of 1h
            > ann: skip
              100 %  promoting         rollout.skip: ann left step 4 of 4: pause of 1h: promoting
            > for 1s
              100 %  soaking           rollout.soak: version 2 has all of the traffic; version 1 stays in memory for 10m
            > ann: skip
              100 %  succeeded         rollout.skip: ann left soaking: succeeded
            > show
              succeeded at 100 %, segment 6, baked 0s, needs stable false, canary true
            > for 1s
        "#]],
    );
}

#[test]
fn a_promotion_is_undone_while_soaking_and_after() {
    check(
        "5 % | pause 1s",
        "for 6s
         for 2m
         show
         ann: undo
         ann: undo
         ann: abort too late
         for 1s
         ann: retry 8
         for 5s
         for 11m
         show
         stable coming loading
         ann: undo
         show
         for 5s
         stable ready
         for 1s",
        expect![[r#"
            > for 6s
              0 %    preparing         rollout.prepare: version 2 is made ready, without traffic
              5 %    baking            rollout.start: version 2 is ready: step 1 of 2: 5 % of the traffic
              5 %    baking            rollout.advance: step 2 of 2: pause of 1s, because the canary has 5 % of the traffic
              100 %  promoting         rollout.promote: the canary gets all of the traffic, because the pause of 1s is over
              100 %  soaking           rollout.soak: version 2 has all of the traffic; version 1 stays in memory for 10m
            > for 2m
              waits: soaking for another 8m 1s
            > show
              soaking at 100 %, segment 2, baked 1s, needs stable true, canary true
            > ann: undo
              0 %    aborting          rollout.undo: undone by ann: version 1 gets all of the traffic again
            > ann: undo
              no change
            > ann: abort too late
              no change
            > for 1s
              0 %    rolled-back       rollout.roll-back: version 1 has all of the traffic (undone by ann: version 1 gets all of the traffic again)
            > ann: retry 8
              0 %    pending           rollout.retry: tried again by ann, with new evidence
            > for 5s
              0 %    preparing         rollout.prepare: version 2 is made ready, without traffic
              5 %    baking            rollout.start: version 2 is ready: step 1 of 2: 5 % of the traffic
              5 %    baking            rollout.advance: step 2 of 2: pause of 1s, because the canary has 5 % of the traffic
              100 %  promoting         rollout.promote: the canary gets all of the traffic, because the pause of 1s is over
            > for 11m
              100 %  soaking           rollout.soak: version 2 has all of the traffic; version 1 stays in memory for 10m
              100 %  succeeded         rollout.succeed: version 2 soaked for 10m
            > show
              succeeded at 100 %, segment 2, baked 1s, needs stable false, canary true
            > stable coming loading
            > ann: undo
              0 %    aborting          rollout.undo: undone by ann: version 1 gets all of the traffic again
            > show
              aborting at 0 %, segment 3, baked 1s, needs stable true, canary true
            > for 5s
              waits: the stable is not ready: loading
            > stable ready
            > for 1s
              0 %    rolled-back       rollout.roll-back: version 1 has all of the traffic (undone by ann: version 1 gets all of the traffic again)
        "#]],
    );
}

#[test]
fn another_definition_takes_its_place() {
    check(
        "5 % | pause 1h",
        "for 3s
         ann: pause
         supersede 12
         for 1h
         ann: retry 13
         show",
        expect![[r#"
            > for 3s
              0 %    preparing         rollout.prepare: version 2 is made ready, without traffic
              5 %    baking            rollout.start: version 2 is ready: step 1 of 2: 5 % of the traffic
              5 %    baking            rollout.advance: step 2 of 2: pause of 1h, because the canary has 5 % of the traffic
            > ann: pause
              5 %    paused            rollout.pause: paused by ann: the canary keeps 5 % of the traffic
            > supersede 12
              0 %    superseded        rollout.supersede: revision 12 took the place of the rollout, which is paused by ann
            > for 1h
            > ann: retry 13
              refused[wrong-phase]: the rollout is superseded by revision 12: it can be left as it is, not tried again
            > show
              superseded after 1 of 2 steps at 0 %, segment 2, baked 0s, needs stable true, canary false
        "#]],
    );
}
