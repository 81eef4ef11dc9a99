"""At which seed each mutant of the protocol is caught, and by which invariant.

`python -m tests.simulation.test_mutants` searches them anew: a change of the worlds moves the seeds.
"""

AT: dict[str, int] = {
    "an_attempt_that_started_counts_as_never_run": 65,  # I6
    "the_end_of_file_at_the_gate_counts_as_go": 5,  # I4
    "there_is_no_gate": 0,  # I4
    "started_is_written_after_the_release": 6,  # I6
    "started_is_not_synced": 127,  # I6
    "the_exit_record_is_not_synced": 199,  # I17
    "nobody_is_told_that_the_tree_lock_is_held": 168,  # I14
    "the_next_attempt_does_not_wait_for_the_last_ones_tree": 191,  # I8
    "the_attempt_before_is_not_buried": 2094,  # I8
    "what_a_dead_shim_could_not_sweep_is_left": 168,  # I14
    "the_attempt_file_is_read_before_the_lock_is_tried": 193,  # I17
    "effects_come_before_their_commit": 2,  # I4
    "what_was_spawned_is_spawned_again_after_a_crash": 5,  # I10
    "the_attempt_number_is_used_again_after_an_abort": 5,  # I6
    "a_lost_attempt_gets_a_code": 6,  # I18
    "a_lost_attempt_counts_as_done": 6,  # I5
    "every_attempt_that_ended_counts_as_done": 0,  # I5
    "a_commit_is_acknowledged_before_it_is_durable": 6,  # I2
    "what_runs_is_declared_lost_by_the_next_supervisor": 39,  # I17
    "a_pid_alone_is_who_it_was": 75,  # I16
    "a_pid_and_a_start_time_are_who_they_were_before_the_machine_was_started_anew": 7323,  # I16
    "a_row_is_appended_to_whatever_stands_there": 38,  # I3
    "the_lease_is_not_asked_for": 18,  # I13
    "nobody_looks_whether_the_journal_is_still_there": 5,  # W17
    "the_epoch_is_not_raised": 3,  # I10
    "a_commit_that_failed_is_taken_for_one_that_did_not_happen": 5,  # I3
    "a_sync_that_failed_is_tried_again_without_writing_again": 1498,  # I17
    "a_shim_gives_up_on_a_full_disk": 3,  # I17
    "sync_points_do_not_wait": 31,  # sync
    "what_follows_a_leaf_does_not_wait_for_its_hooks": 1,  # hook
    "a_hook_is_left_alone_by_who_sums_up": 1,  # hook
    "what_the_main_line_has_come_past_may_start": 207,  # approval
    "a_usage_limit_is_no_reason_to_wait": 333,  # account
    "a_step_does_not_wait_for_what_it_depends_on": 7,  # order
    "the_slots_are_not_counted_in_the_background": 19,  # limit
    "a_mutex_keeps_nobody_out": 484,  # mutex
    "the_main_line_does_not_wait_for_a_gate": 19,  # order
    "an_owner_is_done_whether_or_not_its_script_has_passed": 0,  # gate
    "a_script_is_tried_once_more_than_said": 0,  # gate
    "a_gate_is_given_up_after_its_first_script": 10,  # gate
    "an_interruption_burns_a_try": 4939,  # gate
    "a_failure_burns_no_try": 0,  # gate
    "a_delay_is_forgotten_with_its_supervisor": 19,  # early
    "nobody_is_woken_who_waited_before_this_supervisor": 19,  # I10
    "a_clock_that_was_set_back_makes_a_delay_longer": 4016,  # I10
    "a_stop_owes_nothing_to_what_was_adopted": 4535,  # stop
    "a_task_that_ignores_term_is_never_killed": 0,  # I10
    "what_ended_well_before_the_stop_counts_as_interrupted": 20,  # done
    "a_request_that_is_met_again_is_applied_again": 65,  # request
    "a_stale_request_is_obeyed": 20,  # request
    "a_request_is_answered_before_it_is_recorded": 5,  # request
    "a_paused_sprint_goes_on": 14,  # rest
    "a_break_is_passed_when_somebody_has_paused": 206,  # break
    "what_is_done_is_done_again_after_a_rest": 0,  # again
    "a_pause_is_answered_and_not_done": 14,  # request
    "a_skip_is_answered_and_not_done": 38,  # request
    "a_cancel_leaves_what_runs": 30,  # request
    "nobody_is_ever_told": 26,  # notice
    "a_notice_is_given_up_at_its_first_try": 26,  # notice
    "a_failure_in_the_background_is_not_told_of": 0,  # sync
    "a_failure_in_the_background_never_blocks": 38,  # sync
    "a_no_is_taken_for_a_yes": 34,  # approval
    "what_nobody_has_approved_in_time_counts_as_approved": 7,  # approval
}
