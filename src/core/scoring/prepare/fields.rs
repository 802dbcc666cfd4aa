//! Which features a step is about.

use super::super::declared::FieldRef;

/// The places of the named features among `names`, ascending; all of them when none is named.
///
/// # Errors
/// What is named and not there, or twice.
pub fn select(fields: &[FieldRef], names: &[String]) -> Result<Vec<usize>, String> {
    if fields.is_empty() {
        return Ok((0..names.len()).collect());
    }
    let mut places = Vec::new();
    for field in fields {
        let place = match field {
            FieldRef::Index(index) if *index < names.len() => *index,
            FieldRef::Index(index) => {
                return Err(format!("names feature {index}, there are {}: {}", names.len(), few(names)));
            }
            FieldRef::Name(name) => names.iter().position(|known| known == name).ok_or_else(|| {
                format!("names the feature `{name}`, which is not there; there are {}", few(names))
            })?,
        };
        if places.contains(&place) {
            return Err(format!("names the feature `{}` twice", names[place]));
        }
        places.push(place);
    }
    // Parameters such as means stand in the fields' order.
    if !places.is_sorted() {
        return Err("must name the features in their own order".into());
    }
    Ok(places)
}

/// The names, as many as one can read.
fn few(names: &[String]) -> String {
    const FEW: usize = 12;
    let shown: Vec<String> = names.iter().take(FEW).map(|name| format!("`{name}`")).collect();
    let more = if names.len() > FEW { format!(" and {} more", names.len() - FEW) } else { String::new() };
    format!("{}{more}", shown.join(", "))
}
