//! The grammar.

use super::*;

fn parse(text: &str, family: Family) -> Result<String, String> {
    match Condition::parse_all(text, family) {
        Ok(conditions) => Ok(conditions.iter().flat_map(|one| [one.to_string(), ";".to_owned()]).collect()),
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn conditions_are_read_as_nft_reads_them() {
    for (family, text, read) in [
        (Family::V4, "", ""),
        (Family::V4, "ip saddr 10.0.0.0/8", "ip saddr 10.0.0.0/8;"),
        (Family::V4, "ip daddr != 192.0.2.1", "ip daddr != 192.0.2.1/32;"),
        (Family::V4, "ip saddr!={10.0.0.0/8,192.0.2.1}", "ip saddr != { 10.0.0.0/8, 192.0.2.1/32 };"),
        (Family::V6, "ip6 saddr == fd00::/8 iifname eth0", "ip6 saddr fd00::/8;iifname \"eth0\";"),
        (Family::V4, "iifname { \"eth*\", lo }", "iifname { \"eth*\", \"lo\" };"),
        (Family::V4, "meta iifname != eth0", "iifname != \"eth0\";"),
        (Family::V4, "meta mark 0x10", "mark 16;"),
        (Family::V6, "mark and 0xff != { 1, 2 }", "mark and 255 != { 1, 2 };"),
        (Family::V6, "mark & 0xff 1", "mark and 255 1;"),
    ] {
        assert_eq!(parse(text, family).as_deref(), Ok(read), "{text}");
        let again = read.replace(';', " ");
        assert_eq!(parse(&again, family).as_deref(), Ok(read), "read again: {text}");
    }
}

#[test]
fn anything_else_is_refused_by_name() {
    let field = "begins no condition: ip saddr, ip daddr, ip6 saddr, ip6 daddr, iifname or mark";
    for (text, why) in [
        ("tcp sport 80", format!("\"tcp\" {field}")),
        ("-s 10.0.0.0/8", format!("\"-s\" {field}")),
        ("ip protocol tcp", format!("\"ip protocol\" {field}")),
        ("meta cgroup 5", format!("\"meta cgroup\" {field}")),
        ("ip saddr", "\"ip saddr\" ends too early".to_owned()),
        ("ip saddr { 10.0.0.1", "\"ip saddr { 10.0.0.1\" ends too early".to_owned()),
        ("ip saddr { 10.0.0.1 10.0.0.2 }", "\"10.0.0.2\" is no comma or end of a set".to_owned()),
        ("ip saddr { }", "\"}\" is no address or network".to_owned()),
        ("ip saddr fd00::1", "\"fd00::1/128\" is no address or network".to_owned()),
        ("ip saddr 10.0.0.0/33", "\"10.0.0.0/33\" is no address or network".to_owned()),
        ("ip6 saddr fd00::1", "\"ip6 saddr\" is not about IPv4".to_owned()),
        ("iifname a-name-that-is-too-long", "\"a-name-that-is-too-long\" is no link name".to_owned()),
        ("mark 4294967296", "\"4294967296\" is no number".to_owned()),
    ] {
        assert_eq!(parse(text, Family::V4), Err(why), "{text}");
    }
}

#[test]
fn sets_that_make_too_many_rules_are_refused() {
    let marks: Vec<String> = (0..33).map(|mark| mark.to_string()).collect();
    let text = format!("mark {{ {} }} iifname {{ a, b }}", marks.join(","));
    assert_eq!(parse(&text, Family::V4), Err("the sets have 66 combinations, more than 64".to_owned()));
    let none_of_them = format!("mark != {{ {} }} iifname {{ a, b }}", marks.join(","));
    assert!(parse(&none_of_them, Family::V4).is_ok());
}
