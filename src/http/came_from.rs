//! Where somebody who signs up came from: fields beside the others in a body, each of which may be missing, and what the
//! request itself says. What does not fit is cut or left out; nobody is refused for it.

use super::Front;
use super::callers::Caller;
use super::text::Text;
use crate::actions::account::Clues;
use crate::domain::account::Origin;
use crate::domain::account::origin::{Said, Utm};
use poem::http::{HeaderMap, HeaderName, header};
use poem_openapi::Object;
use poem_openapi::types::Example;

/// What a client says of where its user came from; texts are cut to 100 characters.
#[derive(Object, Default)]
#[oai(rename_all = "camelCase", rename = "CameFrom")]
pub(super) struct CameFrom {
    /// What one signs up on, such as `web` or `android`; `web` when nothing is said.
    platform: Option<Text>,
    /// What brought the user here.
    signup_source: Option<Text>,
    /// Which of its campaigns.
    campaign_id: Option<Text>,
    /// Address of the page before. Kept without its query.
    referrer: Option<Text>,
    /// Its host, where only that is known.
    referrer_domain: Option<Text>,
    /// `utm_source` of the link that led here; without it the address of the calling page is looked at (`Referer`).
    utm_source: Option<Text>,
    /// The same by another name.
    source: Option<Text>,
    /// `utm_medium` of the link.
    utm_medium: Option<Text>,
    /// The same by another name.
    medium: Option<Text>,
    /// `utm_campaign` of the link.
    utm_campaign: Option<Text>,
    /// The same by another name.
    campaign: Option<Text>,
    /// `utm_term` of the link.
    utm_term: Option<Text>,
    /// `utm_content` of the link.
    utm_content: Option<Text>,
    /// The same in an object.
    utm: Option<UtmBody>,
}

/// What the link says that led here.
#[derive(Object, Default)]
#[oai(example, rename = "Utm")]
struct UtmBody {
    /// `utm_source`.
    source: Option<Text>,
    /// `utm_medium`.
    medium: Option<Text>,
    /// `utm_campaign`.
    campaign: Option<Text>,
    /// `utm_term`.
    term: Option<Text>,
    /// `utm_content`.
    content: Option<Text>,
}

impl Example for UtmBody {
    fn example() -> Self {
        Self {
            source: Some("newsletter".into()),
            medium: Some("email".into()),
            campaign: Some("spring".into()),
            term: Some("language exchange".into()),
            content: Some("header".into()),
        }
    }
}

impl CameFrom {
    fn said(&self) -> Said {
        let text = |field: &Option<Text>| field.as_deref().map(str::to_owned);
        let nothing = UtmBody::default();
        let inside = self.utm.as_ref().unwrap_or(&nothing);
        let first = |fields: [&Option<Text>; 3]| fields.into_iter().find_map(text);
        Said {
            platform: text(&self.platform),
            source: text(&self.signup_source),
            campaign: text(&self.campaign_id),
            referrer: text(&self.referrer),
            referrer_domain: text(&self.referrer_domain),
            utm: Utm {
                source: first([&self.utm_source, &self.source, &inside.source]),
                medium: first([&self.utm_medium, &self.medium, &inside.medium]),
                campaign: first([&self.utm_campaign, &self.campaign, &inside.campaign]),
                term: first([&self.utm_term, &None, &inside.term]),
                content: first([&self.utm_content, &None, &inside.content]),
            },
        }
    }

    /// Where the sender of a request came from, who says this.
    pub(super) fn origin(&self, front: &Front, headers: &HeaderMap, caller: &Caller) -> Origin {
        let text = |name: HeaderName| headers.get(name)?.to_str().ok();
        let said = self.said();
        front.actions.came_from(&Clues {
            said: &said,
            page: text(header::REFERER),
            host: text(header::HOST),
            ip: caller.ip,
        })
    }
}
