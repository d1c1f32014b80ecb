//! Plots, as SVG: bars on a logarithmic scale, for contenders differ by more than ten times.

use std::fmt::Write as _;

use serde_json::Value;

const WIDTH: f64 = 860.0;
const LEFT: f64 = 190.0;
const BAR: f64 = 13.0;
const GAP: f64 = 12.0;
const TOP: f64 = 64.0;
/// The least that is shown, in milliseconds.
const LEAST: f64 = 0.1;

/// Contenders and their colours, ours before the others.
const COLOURS: [(&str, &str); 5] = [
    ("floor", "#9aa5b1"),
    ("ours", "#1f77b4"),
    ("1.9.1 iptables", "#ff9f40"),
    ("1.9.1 nftables", "#e4572e"),
    ("1.1.1", "#b5835a"),
];

/// The medians of a command of some rows, in one quantity (`wall` or `cpu`).
#[must_use]
pub fn bars(title: &str, report: &Value, command: &str, quantity: &str) -> String {
    let rows: Vec<&Value> = report["rows"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|row| row["command"] == command && row["present"] == 1 && row["together"] == 1)
        .collect();
    let mut titles: Vec<&str> = rows.iter().filter_map(|row| row["row"].as_str()).collect();
    titles.dedup();
    titles.sort_unstable();
    titles.dedup();
    titles.sort_by_key(|title| rows.iter().position(|row| row["row"] == *title));
    let value = |title: &str, who: &str| {
        let row = rows.iter().find(|row| row["row"] == title && row["contender"] == who)?;
        row[quantity]["median"].as_f64()
    };
    let most = rows.iter().filter_map(|row| row[quantity]["median"].as_f64()).fold(1.0, f64::max);
    let scale = |milliseconds: f64| {
        let share = (milliseconds.max(LEAST) / LEAST).log10() / (most / LEAST).log10();
        share * (WIDTH - LEFT - 70.0)
    };
    let (mut body, mut y) = (String::new(), TOP);
    for title in titles {
        // Writing to a String can't fail.
        let _ = writeln!(
            body,
            r#"<text x="{:.0}" y="{:.0}" text-anchor="end" font-weight="bold">{title}</text>"#,
            LEFT - 10.0,
            y + BAR
        );
        for (who, colour) in COLOURS {
            let Some(milliseconds) = value(title, who) else { continue };
            let width = scale(milliseconds).max(1.0);
            let _ = writeln!(
                body,
                r#"<rect x="{LEFT:.0}" y="{y:.0}" width="{width:.1}" height="{:.0}" fill="{colour}"/><text x="{:.1}" y="{:.0}" font-size="10">{milliseconds:.2}</text>"#,
                BAR - 2.0,
                LEFT + width + 4.0,
                y + BAR - 3.0,
            );
            y += BAR;
        }
        y += GAP;
    }
    let mut legend = String::new();
    for (place, (who, colour)) in (0_u8..).zip(COLOURS) {
        let x = LEFT + f64::from(place) * 130.0;
        let _ = writeln!(
            legend,
            r#"<rect x="{x:.0}" y="38" width="10" height="10" fill="{colour}"/><text x="{:.0}" y="47">{who}</text>"#,
            x + 14.0
        );
    }
    let machine = &report["machine"];
    let foot = format!(
        "milliseconds, median, logarithmic; {}, {} processors, Linux {}",
        machine["processor"].as_str().unwrap_or_default(),
        machine["processors"],
        machine["kernel"].as_str().unwrap_or_default(),
    );
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH:.0}" height="{:.0}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="10" y="22" font-size="16" font-weight="bold">{title}</text>
{legend}{body}<text x="10" y="{:.0}" font-size="10" fill="#555555">{foot}</text>
</svg>
"##,
        y + 24.0,
        y + 12.0,
    )
}
