//! What events are called in German; in English, their own names are words. A test sees that none is missing.

/// By event, in order.
const GERMAN: [(&str, &str); 76] = [
    ("anomaly.acknowledged", "Auffälligkeit zur Kenntnis genommen"),
    ("anomaly.dismissed", "Auffälligkeit verworfen"),
    ("anomaly.found", "Auffälligkeit gefunden"),
    ("anomaly.reopened", "Auffälligkeit wieder geöffnet"),
    ("api_key.created", "API-Schlüssel angelegt"),
    ("api_key.revoked", "API-Schlüssel widerrufen"),
    ("api_key.superseded", "API-Schlüssel abgelöst"),
    ("blocked_address.blocked", "Adresse gesperrt"),
    ("blocked_address.unblocked", "Adresse entsperrt"),
    ("customer.created", "Kunde angelegt"),
    ("customer.edited", "Kunde bearbeitet"),
    ("customer.forgotten", "Kunde vergessen"),
    ("customer.retired", "Kunde außer Dienst gestellt"),
    ("license.activated", "Gerät aktiviert"),
    ("license.checked_out", "Offline ausgeliehen"),
    ("license.deactivated", "Gerät deaktiviert"),
    ("license.edited", "Lizenz bearbeitet"),
    ("license.expired", "Lizenz abgelaufen"),
    ("license.issued", "Lizenz ausgestellt"),
    ("license.key_revealed", "Schlüssel gezeigt"),
    ("license.limit_crossed", "Grenze überschritten"),
    ("license.renewed", "Lizenz verlängert"),
    ("license.resumed", "Lizenz fortgesetzt"),
    ("license.retired", "Lizenz außer Dienst gestellt"),
    ("license.revoked", "Lizenz widerrufen"),
    ("license.seat_released", "Platz frei geworden"),
    ("license.seat_revived", "Platz wieder belegt"),
    ("license.started", "Laufzeit begonnen"),
    ("license.suspended", "Lizenz ausgesetzt"),
    ("operation.backup_deleted", "Sicherung gelöscht"),
    ("operation.backup_downloaded", "Sicherung heruntergeladen"),
    ("operation.backup_run_started", "Sicherung begonnen oder geprüft"),
    ("operation.delivery_resent", "Zustellung wiederholt"),
    ("operation.mail_resent", "Mail erneut gesendet"),
    ("operation.operators_listed", "Mitarbeiter aufgelistet"),
    ("operation.setup_link_made", "Einrichtungslink gemacht"),
    ("operation.signing_key_made", "Signaturschlüssel gemacht"),
    ("operation.webhook_replayed", "Webhook wiederholt"),
    ("operator.code_reused", "Code wiederverwendet"),
    ("operator.code_used", "Code verwendet"),
    ("operator.disabled", "Mitarbeiter gesperrt"),
    ("operator.edited", "Mitarbeiter bearbeitet"),
    ("operator.enabled", "Mitarbeiter entsperrt"),
    ("operator.factor_confirmed", "Zweiter Faktor bestätigt"),
    ("operator.factor_proposed", "Zweiter Faktor vorgeschlagen"),
    ("operator.factor_reset", "Zweiter Faktor zurückgesetzt"),
    ("operator.invited", "Mitarbeiter eingeladen"),
    ("operator.locked", "Anmeldung gesperrt"),
    ("operator.logged_in", "Angemeldet"),
    ("operator.login_failed", "Anmeldung gescheitert"),
    ("operator.password_rehashed", "Passwort neu gehasht"),
    ("operator.password_set", "Passwort gesetzt"),
    ("operator.recovery_code_used", "Wiederherstellungscode verwendet"),
    ("operator.reinvited", "Mitarbeiter erneut eingeladen"),
    ("operator.unlocked", "Anmeldung entsperrt"),
    ("policy.created", "Richtlinie angelegt"),
    ("policy.edited", "Richtlinie bearbeitet"),
    ("policy.retired", "Richtlinie außer Dienst gestellt"),
    ("product.created", "Produkt angelegt"),
    ("product.edited", "Produkt bearbeitet"),
    ("product.minimum_version_raised", "Mindestversion angehoben"),
    ("product.minimum_version_set", "Mindestversion gesetzt"),
    ("product.retired", "Produkt außer Dienst gestellt"),
    ("release.published", "Version veröffentlicht"),
    ("release.rollout_changed", "Verteilung geändert"),
    ("release.yanked", "Version zurückgezogen"),
    ("session.begun", "Sitzung begonnen"),
    ("session.elevated", "Sitzung bestätigt"),
    ("session.ended", "Sitzung beendet"),
    ("session.reauthenticated", "Passwort erneut eingegeben"),
    ("tag.created", "Schlagwort angelegt"),
    ("tag.edited", "Schlagwort bearbeitet"),
    ("tag.retired", "Schlagwort außer Dienst gestellt"),
    ("webhook.created", "Webhook angelegt"),
    ("webhook.edited", "Webhook bearbeitet"),
    ("webhook.retired", "Webhook außer Dienst gestellt"),
];

/// An event in German, where it is known.
pub(crate) fn german(name: &str) -> Option<&'static str> {
    let place = GERMAN.binary_search_by_key(&name, |(own, _)| own).ok()?;
    Some(GERMAN[place].1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_has_a_german_name() {
        let missing: Vec<_> = licet_domain::event_types()
            .filter(|name| german(name).is_none())
            .collect();
        assert_eq!(missing, [] as [&str; 0]);
        assert_eq!(GERMAN.len(), licet_domain::event_types().count());
    }
}
