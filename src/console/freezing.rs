//! A freeze as a person types it: minutes, services, surfaces, in any order; what is not typed is taken from the incident.

use crate::engine::view::IncidentView;
use crate::event::{Surface, Untrusted};
use crate::response::Act;

/// Lets changes go on.
pub const OFF: &str = "off";

/// What `text` asks for.
///
/// # Errors
/// What is wrong with it, in words.
pub fn read(text: &str, incident: &IncidentView) -> Result<Act, String> {
    if text.trim() == OFF {
        return Ok(Act::ProposeThaw);
    }
    let (mut services, mut surfaces, mut minutes) = (Vec::<Untrusted>::new(), Vec::new(), None);
    for word in text.split([' ', ',']).filter(|word| !word.is_empty()) {
        let number = word.strip_suffix('m').unwrap_or(word).parse::<u32>();
        match (Surface::ALL.into_iter().find(|surface| surface.name() == word), number) {
            (Some(surface), _) => surfaces.push(surface),
            (None, Ok(number)) if minutes.is_none() => minutes = Some(number),
            (None, Ok(_)) => return Err("A freeze has one length: freeze 60 checkout prompt".to_owned()),
            (None, Err(_)) => services.push(word.into()),
        }
    }
    if services.is_empty() {
        let (proposed, of_those) = incident.freeze_proposal();
        services = proposed;
        if surfaces.is_empty() {
            surfaces = of_those;
        }
    }
    if services.is_empty() {
        return Err("Nothing says yet what fails here: name it: freeze 60 checkout prompt".to_owned());
    }
    Ok(Act::ProposeFreeze { services, surfaces, minutes })
}

/// What a person would type for what the incident is about, to be changed before it is proposed.
#[must_use]
pub fn write(incident: &IncidentView) -> String {
    let (services, surfaces) = incident.freeze_proposal();
    let services = services.iter().map(Untrusted::raw).filter(|name| !name.contains([' ', ',']));
    let words: Vec<&str> = services.chain(surfaces.iter().map(|surface| surface.name())).collect();
    format!("60 {}", words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::fixture;

    #[test]
    fn minutes_services_and_surfaces_stand_in_any_order_and_the_rest_is_proposed() {
        let incident = fixture::incident(1, 3);
        let Ok(Act::ProposeFreeze { services, surfaces, minutes }) = read("prompt checkout 30m search-api", &incident)
        else {
            panic!("not read")
        };
        assert_eq!(services, ["checkout".into(), "search-api".into()]);
        assert_eq!((surfaces, minutes), (vec![Surface::Prompt], Some(30)));
        let (services, surfaces) = incident.freeze_proposal();
        assert!(!services.is_empty());
        assert_eq!(read("", &incident), Ok(Act::ProposeFreeze { services, surfaces, minutes: None }));
        assert!(read("30 60 checkout", &incident).is_err());
        assert_eq!(read(" off ", &incident), Ok(Act::ProposeThaw));
        // What is offered to be changed says the same.
        let Ok(Act::ProposeFreeze { services, .. }) = read(&write(&incident), &incident) else { panic!("not read") };
        assert!(incident.freeze_proposal().0.iter().all(|one| one.raw().contains(' ') || services.contains(one)));
    }
}
