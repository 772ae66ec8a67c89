#!/bin/sh
# Writes Alertmanager's settings from the environment and becomes Alertmanager. It runs in the image and in the tests.
#
# ALERT_WEBHOOK_URL              where alerts are posted
# ALERT_MAIL_TO                  who gets them by mail, by the server ALERT_SMTP_HOST (host:port), from ALERT_MAIL_FROM,
#                                with ALERT_SMTP_USER and the password in ALERT_SMTP_PASSWORD_FILE where it asks for them
# ALERT_WATCHDOG_URL             what calls when it no longer hears the Watchdog, every five minutes
# ALERTMANAGER                   the program and its first arguments
# ALERTMANAGER_FOLDER            where the settings are written (/tmp)
set -eu

folder=${ALERTMANAGER_FOLDER:-/tmp}
quoted() { printf "'%s'" "$(printf '%s' "$1" | sed "s/'/''/g")"; }

if [ -n "${ALERT_MAIL_TO:-}" ] && [ -z "${ALERT_SMTP_HOST:-}" ]; then
    echo "alertmanager: ALERT_MAIL_TO needs ALERT_SMTP_HOST (host:port)" >&2
    exit 1
fi
if [ -n "${ALERT_SMTP_USER:-}" ] && [ ! -s "${ALERT_SMTP_PASSWORD_FILE:-}" ]; then
    echo "alertmanager: ALERT_SMTP_USER needs its password in ${ALERT_SMTP_PASSWORD_FILE:-ALERT_SMTP_PASSWORD_FILE}, which is empty" >&2
    exit 1
fi

{
    cat <<'YAML'
route:
  receiver: operators
  group_by: [alertname]
  group_wait: ${GROUP_WAIT}
  group_interval: ${GROUP_INTERVAL}
  repeat_interval: 4h
  routes:
    # Its absence is the alarm: it goes to what calls when it stops, and to no person.
    - receiver: watchdog
      matchers: [alertname="Watchdog"]
      repeat_interval: 5m
# What follows from something else is not told beside it.
inhibit_rules:
  - source_matchers: [alertname="DatabaseDown", job="licet"]
    target_matchers: [alertname=~"ErrorBudgetBurns.*|ProjectorLag|ConsumerLag|AppendQueueFull"]
  - source_matchers: [alertname="DiskFull"]
    target_matchers: [alertname="DiskFilling"]
    equal: [instance, mountpoint]
  - source_matchers: [alertname="ErrorBudgetBurnsFast"]
    target_matchers: [alertname="ErrorBudgetBurnsSlowly"]
    equal: [route]
receivers:
  - name: watchdog
YAML
    if [ -n "${ALERT_WATCHDOG_URL:-}" ]; then
        printf '    webhook_configs:\n      - {url: %s, send_resolved: false}\n' "$(quoted "$ALERT_WATCHDOG_URL")"
    fi
    printf '  - name: operators\n'
    if [ -n "${ALERT_WEBHOOK_URL:-}" ]; then
        printf '    webhook_configs:\n      - url: %s\n' "$(quoted "$ALERT_WEBHOOK_URL")"
    fi
    if [ -n "${ALERT_MAIL_TO:-}" ]; then
        printf '    email_configs:\n      - to: %s\n        send_resolved: true\n' "$(quoted "$ALERT_MAIL_TO")"
        printf '        from: %s\n' "$(quoted "${ALERT_MAIL_FROM:-licet@localhost}")"
        printf '        smarthost: %s\n' "$(quoted "$ALERT_SMTP_HOST")"
        if [ -n "${ALERT_SMTP_USER:-}" ]; then
            printf '        auth_username: %s\n' "$(quoted "$ALERT_SMTP_USER")"
            printf '        auth_password_file: %s\n' "$(quoted "$ALERT_SMTP_PASSWORD_FILE")"
        else
            printf '        require_tls: false\n'
        fi
    fi
} | sed -e "s/\${GROUP_WAIT}/${ALERT_GROUP_WAIT:-30s}/" -e "s/\${GROUP_INTERVAL}/${ALERT_GROUP_INTERVAL:-5m}/" >"$folder/alertmanager.yml"

if [ -z "${ALERT_WEBHOOK_URL:-}${ALERT_MAIL_TO:-}" ]; then
    echo "alertmanager: neither ALERT_WEBHOOK_URL nor ALERT_MAIL_TO is set: alerts are shown on its page and told to nobody" >&2
fi
# shellcheck disable=SC2086
exec ${ALERTMANAGER:-/bin/alertmanager --storage.path=/alertmanager} --config.file="$folder/alertmanager.yml" "$@"
