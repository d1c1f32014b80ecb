//! What time does to a lease.

use super::{Duty, Spans, Times};

const HOUR: Spans = Spans { lease: 3600, renew: None, rebind: None };

#[test]
fn a_lease_is_renewed_at_half_its_time_and_then_asked_of_anyone_until_it_is_over() {
    let times = Times::new(1000, HOUR);
    assert_eq!(times.duty(1000), Duty::Wait(2800));
    assert_eq!(times.duty(2800), Duty::Renew);
    assert_eq!(times.duty(1000 + 3150), Duty::Rebind);
    assert_eq!(times.duty(4600), Duty::Expire);
}

#[test]
fn a_servers_times_count_where_they_are_in_order() {
    let times = Times::new(0, Spans { renew: Some(100), rebind: Some(200), ..HOUR });
    assert_eq!((times.renew, times.rebind, times.expire), (100, 200, 3600));
    let times = Times::new(0, Spans { renew: Some(300), rebind: Some(200), ..HOUR });
    assert_eq!((times.renew, times.rebind), (200, 200));
    let times = Times::new(0, Spans { renew: Some(9000), rebind: Some(9000), ..HOUR });
    assert_eq!((times.renew, times.rebind), (1800, 3150));
    let always = Times::new(0, Spans { lease: u32::MAX, ..HOUR });
    assert_eq!(always.duty(u64::MAX - 1), Duty::Wait(u64::MAX));
}

#[test]
fn after_a_try_in_vain_the_next_one_comes_later_but_not_too_late() {
    let mut times = Times::new(0, HOUR);
    times.in_vain(1800);
    assert_eq!(times.duty(1800), Duty::Wait(1800 + 675));
    assert_eq!(times.duty(1800 + 675), Duty::Renew);
    times.in_vain(3140);
    assert_eq!(times.duty(3140), Duty::Wait(3150));
    times.in_vain(3590);
    assert_eq!(times.duty(3590), Duty::Wait(3600));
    times.in_vain(3600);
    assert_eq!(times.duty(3600), Duty::Wait(3660));
    assert_eq!(times.duty(3660), Duty::Expire);
}
