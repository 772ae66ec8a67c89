//! What the app says, in each language. A text without one of them does not compile.

use crate::preferences::{Language, language};

macro_rules! texts {
    ($($name:ident = $english:literal, $german:literal;)+) => {
        /// Something that the app says.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Text { $($name),+ }

        impl Text {
            const fn english(self) -> &'static str {
                match self { $(Self::$name => $english),+ }
            }

            const fn german(self) -> &'static str {
                match self { $(Self::$name => $german),+ }
            }

            #[cfg(test)]
            const ALL: &'static [Self] = &[$(Self::$name),+];
        }
    };
}

/// A text in the language that is spoken now; what shows it is drawn again when that changes.
pub(crate) fn t(text: Text) -> &'static str {
    match language() {
        Language::English => text.english(),
        Language::German => text.german(),
    }
}

texts! {
    Account = "Account", "Konto";
    Acknowledge = "Acknowledge", "Zur Kenntnis nehmen";
    Acknowledged = "acknowledged", "zur Kenntnis genommen";
    Action = "Action", "Ereignis";
    Actions = "Actions", "Aktionen";
    Activated = "Activated", "Aktiviert";
    ActivationsWord = "Activations", "Aktivierungen";
    Active = "active", "aktiv";
    ActiveDevices = "Active devices", "Aktive Geräte";
    ActiveLicenses = "Active licenses", "Aktive Lizenzen";
    Activity = "Recent activity", "Zuletzt geschehen";
    Address = "Address", "Adresse";
    AddressBlocked = "Address blocked", "Adresse gesperrt";
    AddressUnblocked = "Address unblocked", "Adresse entsperrt";
    Anomalies = "Anomalies", "Auffälligkeiten";
    AnomaliesFirst = "Nothing has looked wrong so far. The rules run by themselves.", "Bisher fiel nichts auf. Die Regeln laufen von selbst.";
    Any = "any", "alle";
    ApiKeys = "API keys", "API-Schlüssel";
    ApiKeysFirst = "Make one for the program that talks to this server.", "Legen Sie einen für das Programm an, das mit diesem Server spricht.";
    AsItWas = "As it was after", "Wie sie war nach";
    AsOf = "as of", "Stand";
    AsTable = "As a table", "Als Tabelle";
    AuditFirst = "Whatever anybody does will stand here.", "Was auch immer jemand tut, steht dann hier.";
    AuditLog = "Audit log", "Protokoll";
    Backup = "Backup", "Sicherung";
    BackupBegun = "It is being made; it shows below how far it is", "Sie wird gemacht; unten steht, wie weit sie ist";
    BackupDeleted = "Backup deleted", "Sicherung gelöscht";
    BackupPlace = "Where they lie", "Wo sie liegen";
    BackupRuns = "Made and tried", "Gemacht und geprüft";
    Backups = "Backups", "Sicherungen";
    BackupsFirst = "Make the first one, and set BACKUP_STORE to a folder or bucket on another machine: then one is made and tried every day.", "Machen Sie die erste, und setzen Sie BACKUP_STORE auf einen Ordner oder Bucket auf einem anderen Rechner: dann wird jeden Tag eine gemacht und geprüft.";
    Beats = "Heartbeats", "Lebenszeichen";
    BlockAddress = "Block address", "Adresse sperren";
    Blocked = "blocked", "gesperrt";
    BlockedAddresses = "Blocked addresses", "Gesperrte Adressen";
    BlockedFirst = "Whoever guesses passwords of many accounts is blocked by itself.", "Wer Passwörter vieler Konten rät, wird von selbst gesperrt.";
    BothChanged = "Both of you have changed this. What is yours is saved, unless you take theirs.", "Dies haben beide geändert. Gespeichert wird Ihres, außer Sie übernehmen das andere.";
    Browser = "Browser", "Browser";
    ByHandAlone = "by hand alone: set BACKUP_STORE to a place on another machine", "nur von Hand: setzen Sie BACKUP_STORE auf einen Ort auf einem anderen Rechner";
    ByItself = "by itself", "von selbst";
    Cancel = "Cancel", "Abbrechen";
    ChangedMeanwhile = "Someone else has changed this meanwhile. Look at it once more, and save.", "Jemand anderes hat dies inzwischen geändert. Bitte noch einmal ansehen und speichern.";
    ChangePassword = "Change password", "Passwort ändern";
    Channel = "Channel", "Kanal";
    CheckedOut = "Checked out; carry the answer file to the machine", "Ausgeliehen; bringen Sie die Antwortdatei zum Gerät";
    CheckFiles = "Check files", "Dateien prüfen";
    CheckOut = "Check out offline", "Offline ausleihen";
    CheckOutWhy = "A machine without a network gets a seat and a lease for some days. Its request file is written there by this command; the answer file goes back to it.", "Ein Gerät ohne Netz bekommt einen Platz und einen Leihschein für einige Tage. Seine Anfragedatei schreibt dort dieser Befehl; die Antwortdatei kommt zu ihm zurück.";
    CheckpointsAgree = "signed checkpoints agree", "unterschriebene Prüfpunkte stimmen";
    ClearFilters = "Clear the filter", "Filter aufheben";
    Close = "Close", "Schließen";
    Code = "Code", "Code";
    CodeHint = "Six digits that your app shows.", "Sechs Ziffern, die Ihre App zeigt.";
    CodeOfThingHint = "Lower-case letters, digits and hyphens; it never changes.", "Kleinbuchstaben, Ziffern und Bindestriche; er ändert sich nie.";
    Columns = "Columns", "Spalten";
    Company = "Company", "Firma";
    Confirm = "Confirm", "Bestätigen";
    Continue = "Continue", "Weiter";
    Copied = "Copied", "Kopiert";
    CopyIds = "Copy ids", "Ids kopieren";
    CopyIt = "Copy", "Kopieren";
    Count = "Count", "Anzahl";
    Create = "Create", "Anlegen";
    Created = "Created", "Angelegt";
    CreatedAt = "Created", "Angelegt";
    Customer = "Customer", "Kunde";
    CustomerCreated = "Customer created", "Kunde angelegt";
    CustomerEmailHint = "License keys and notices go there.", "Dorthin gehen Schlüssel und Hinweise.";
    CustomerForgotten = "Customer forgotten", "Kunde vergessen";
    CustomerRetired = "Customer retired", "Kunde außer Dienst gestellt";
    Customers = "Customers", "Kunden";
    CustomersFirst = "Begin with “New customer”.", "Beginnen Sie mit „Neuer Kunde“.";
    CutOff = "cut off", "abgebrochen";
    Damaged = "damaged", "beschädigt";
    Dashboard = "Dashboard", "Übersicht";
    Days = "days", "Tagen";
    DaysField = "Days", "Tage";
    Deactivated = "deactivated", "freigegeben";
    DeleteBackup = "Delete backup", "Sicherung löschen";
    DeleteBackupWhy = "It goes for good, with the files that no other backup has.", "Sie geht für immer, mit den Dateien, die keine andere hat.";
    Dense = "Dense rows", "Enge Zeilen";
    Devices = "Devices", "Geräte";
    DevicesByDay = "Devices by day", "Geräte nach Tagen";
    DevicesFirst = "A licensed program takes a seat with its first start: try licet-client activate.", "Ein lizenziertes Programm nimmt mit dem ersten Start einen Platz ein: Versuchen Sie licet-client activate.";
    Disable = "Disable", "Sperren";
    Disabled = "disabled", "gesperrt";
    Dismiss = "Dismiss", "Verwerfen";
    Dismissed = "dismissed", "verworfen";
    DismissedToo = "Dismissed ones too", "Auch verworfene";
    Done = "Done", "Erledigt";
    Download = "Download", "Herunterladen";
    DownloadUrl = "Download URL", "Adresse zum Herunterladen";
    DurationDays = "Duration days", "Laufzeit in Tagen";
    DurationHint = "Empty: it never ends.", "Leer: sie endet nie.";
    Edit = "Edit", "Bearbeiten";
    Email = "Email", "E-Mail";
    Enable = "Enable", "Entsperren";
    Ended = "ended", "beendet";
    EndSession = "End", "Beenden";
    English = "English", "English";
    EnrollFactor = "Set up your second factor", "Zweiten Faktor einrichten";
    EnrollWhy = "Scan the picture with an authenticator app, then type the code that it shows.", "Lesen Sie das Bild mit einer Authenticator-App ein und geben Sie den Code ein, den sie zeigt.";
    Events = "Events", "Ereignisse";
    EventsUpTo = "events up to position", "Ereignisse bis Position";
    Expired = "expired", "abgelaufen";
    ExpiresAfter = "Expires after", "Läuft ab nach";
    ExpiresAt = "Expires at", "Endet am";
    ExpiresBefore = "Expires before", "Läuft ab vor";
    ExpiresHint = "Empty: after the policy's duration.", "Leer: nach der Laufzeit der Richtlinie.";
    Export = "Export", "Exportieren";
    Failed = "failed", "gescheitert";
    FieldName = "Field", "Feld";
    FiguresOf = "Figures at the end of (UTC)", "Zahlen am Ende von (UTC)";
    Filter = "Filter", "Filter";
    FirstPage = "First page", "Erste Seite";
    Floating = "Floating", "Gleitend";
    ForEver = "for ever", "unbefristet";
    Forget = "Forget", "Vergessen";
    ForgetWhy = "Name, address and company, what licenses note about it and what its devices are called can never be read again; only backups made before still hold them. Its licenses go on working.", "Name, Adresse und Firma, die Notizen seiner Lizenzen und die Namen seiner Geräte sind nie wieder lesbar; nur ältere Sicherungen enthalten sie noch. Seine Lizenzen gelten weiter.";
    Forgotten = "(forgotten)", "(vergessen)";
    ForgottenNotice = "Who this is was forgotten. Its licenses go on working.", "Wer das ist, wurde vergessen. Seine Lizenzen gelten weiter.";
    Found = "Found", "Gefunden";
    FreeSeat = "Free the seat", "Platz freigeben";
    German = "Deutsch", "Deutsch";
    GraceDays = "days of grace", "Tage Nachfrist";
    GraceDaysField = "Grace days", "Nachfrist in Tagen";
    HeartbeatInterval = "Heartbeat interval seconds", "Sekunden zwischen Lebenszeichen";
    HeldWhenRestored = "Restored and found whole", "Wiederhergestellt und heil";
    High = "high", "hoch";
    History = "History", "Verlauf";
    Holds = "holds", "heil";
    Hostname = "Hostname", "Rechnername";
    Hours = "hours", "Stunden";
    HowItEnded = "How it ended", "Wie sie endete";
    Id = "ID", "ID";
    Idle = "idle", "unbenutzt";
    IKeptIt = "I have kept it", "Ich habe ihn verwahrt";
    IKeptThem = "I have kept them", "Ich habe sie verwahrt";
    InAll = "in all", "insgesamt";
    Included = "Included", "Enthalten";
    Invite = "Invite", "Einladen";
    Invited = "invited", "eingeladen";
    InvitedWhy = "You were invited. Choose a password; then you set up a second factor.", "Sie wurden eingeladen. Wählen Sie ein Passwort; danach richten Sie einen zweiten Faktor ein.";
    InviteOperator = "Invite operator", "Mitarbeiter einladen";
    IssuedAt = "Issued at", "Ausgestellt";
    IssueLicense = "Issue license", "Lizenz ausstellen";
    JustNow = "just now", "gerade eben";
    Key = "Key", "Schlüssel";
    KeyShownOnce = "This is the only time that the key is shown.", "Nur jetzt wird der Schlüssel gezeigt.";
    KeysShownOnce = "Sold. The keys are shown in full now; later each look at one is recorded.", "Verkauft. Die Schlüssel werden jetzt ganz gezeigt; später wird jeder Blick darauf vermerkt.";
    Language = "Language", "Sprache";
    LastSeen = "Last seen", "Zuletzt gesehen";
    LastUsed = "Last used", "Zuletzt benutzt";
    LeaseDays = "Lease days", "Offline-Tage";
    LeaveUnsaved = "Something you typed is not saved. Leave all the same?", "Etwas ist noch nicht gespeichert. Trotzdem verlassen?";
    License = "License", "Lizenz";
    LicenseRenewed = "License renewed", "Lizenz verlängert";
    LicenseResumed = "License resumed", "Lizenz fortgesetzt";
    LicenseRevoked = "License revoked", "Lizenz widerrufen";
    Licenses = "Licenses", "Lizenzen";
    LicensesFirst = "Begin with “New license”.", "Beginnen Sie mit „Neue Lizenz“.";
    LicenseSuspended = "License suspended", "Lizenz ausgesetzt";
    LinkShownOnce = "Hand this link on. It is good once, for a day, and is shown only now.", "Geben Sie diesen Link weiter. Er gilt einmal, einen Tag lang, und wird nur jetzt gezeigt.";
    Live = "live", "offen";
    LiveNow = "Live", "Live";
    Locked = "locked", "ausgesperrt";
    LogDoesNotHold = "The log was changed at position", "Das Protokoll wurde verändert bei Position";
    LogHolds = "The log is whole:", "Das Protokoll ist unversehrt:";
    LostEvents = "Events a restore would lose", "Ereignisse, die verloren wären";
    Low = "low", "gering";
    MadeEvery = "Made every", "Gemacht alle";
    MainNavigation = "Main", "Hauptmenü";
    MakeBackup = "Make a backup", "Sicherung machen";
    MaxTransfers = "Max transfers", "Höchstens Umzüge";
    Medium = "medium", "mittel";
    MegabytesShort = "MB", "MB";
    Meter = "Meter", "Zähler";
    Meters = "Usage by month", "Verbrauch nach Monaten";
    MinVersion = "Min version", "Niedrigste Version, die laufen darf";
    MoveSeat = "Move seat", "Platz umziehen";
    MoveSeatWhy = "Another machine gets this one's seat. Its request file is written there by this command.", "Ein anderes Gerät bekommt den Platz von diesem. Seine Anfragedatei schreibt dort dieser Befehl.";
    Name = "Name", "Name";
    Network = "Network", "Netz";
    NetworkHint = "An address or a network, such as 192.0.2.0/24. Who is signed in stays so.", "Eine Adresse oder ein Netz, etwa 192.0.2.0/24. Wer angemeldet ist, bleibt es.";
    Never = "never", "nie";
    NewApiKey = "New API key", "Neuer API-Schlüssel";
    NewCustomer = "New customer", "Neuer Kunde";
    NewestFirst = "Newest first", "Neueste zuerst";
    NewLicense = "New license", "Neue Lizenz";
    NewPassword = "New password", "Neues Passwort";
    NewPolicy = "New policy", "Neue Richtlinie";
    NewProduct = "New product", "Neues Produkt";
    NewRelease = "New release", "Neue Veröffentlichung";
    NextPage = "Next page", "Nächste Seite";
    No = "no", "nein";
    NoBeatYet = "No device has reported yet. Programs do, every 15 minutes by default.", "Noch hat sich kein Gerät gemeldet. Programme tun es, üblicherweise alle 15 Minuten.";
    NoDeviceYet = "No device has a seat yet.", "Noch kein Gerät hat einen Platz.";
    NoLicenseYet = "No license is active yet.", "Noch keine Lizenz ist aktiv.";
    NoRefusal = "No device was refused.", "Kein Gerät wurde abgewiesen.";
    NoRequestFile = "This is no request file.", "Das ist keine Anfragedatei.";
    NotCopied = "The browser did not allow it: copy it by hand", "Der Browser erlaubt es nicht: bitte von Hand kopieren";
    Note = "Note", "Notiz";
    Notes = "Notes", "Neuigkeiten";
    NotFound = "There is nothing here", "Hier ist nichts";
    NotFoundWhy = "The address may be mistyped.", "Vielleicht ist die Adresse vertippt.";
    NothingMatches = "Nothing matches.", "Nichts passt.";
    NothingYet = "There is nothing yet.", "Noch ist nichts da.";
    NotLive = "Not live: looking every 5 seconds", "Nicht live: sieht alle 5 Sekunden nach";
    NotYetValid = "not yet valid", "noch nicht gültig";
    OfflineDays = "days offline", "Tage offline";
    OldestFirst = "Oldest first", "Älteste zuerst";
    OldPassword = "Present password", "Bisheriges Passwort";
    Open = "Open", "Öffnen";
    OpenAnomalies = "Open anomalies", "Offene Auffälligkeiten";
    OpenIt = "Open", "Öffnen";
    OpenState = "open", "offen";
    Operator = "Operator", "Mitarbeiter";
    OperatorChanged = "operator changed", "Mitarbeiter geändert";
    Operators = "Operators", "Mitarbeiter";
    OperatorsFirst = "Invite a colleague.", "Laden Sie jemanden ein.";
    Os = "OS", "Betriebssystem";
    Over = "over", "vorbei";
    OwnSessions = "Your sessions", "Ihre Sitzungen";
    Palette = "Command palette", "Befehlspalette";
    Password = "Password", "Passwort";
    PasswordAgain = "Your password, once more", "Noch einmal Ihr Passwort";
    PasswordAgainWhy = "What you are about to do cannot be taken back, or lets others in.", "Was Sie vorhaben, lässt sich nicht zurücknehmen oder lässt andere ein.";
    PasswordChanged = "password changed", "Passwort geändert";
    PasswordHint = "12 to 128 characters; several words are good.", "12 bis 128 Zeichen; mehrere Wörter sind gut.";
    PasswordIsChanged = "Password changed; your other sessions have ended", "Passwort geändert; Ihre anderen Sitzungen sind beendet";
    PeakDevices = "Most devices in an hour", "Meiste Geräte in einer Stunde";
    PeakUsers = "Most users in an hour", "Meiste Benutzer in einer Stunde";
    Period = "Period", "Zeitraum";
    Pick = "Select", "Auswählen:";
    Picked = "selected", "ausgewählt";
    PickNone = "Select none", "Auswahl aufheben";
    PickPage = "Select all on this page", "Alle auf dieser Seite auswählen";
    Policies = "Policies", "Richtlinien";
    PoliciesFirst = "A policy says how many seats a license has, and for how long. Begin with “New policy”.", "Eine Richtlinie sagt, wie viele Plätze eine Lizenz hat und wie lange. Beginnen Sie mit „Neue Richtlinie“.";
    Policy = "Policy", "Richtlinie";
    PolicyMeans = "That means:", "Das heißt:";
    Position = "Position", "Position";
    PracticeRestore = "Practice a restore", "Wiederherstellung üben";
    Prefix = "Prefix", "Anfang";
    Product = "Product", "Produkt";
    Products = "Products", "Produkte";
    ProductsFirst = "Begin with “New product”.", "Beginnen Sie mit „Neues Produkt“.";
    Profile = "Profile", "Profil";
    Publish = "Publish", "Veröffentlichen";
    Published = "published", "veröffentlicht";
    QrCode = "QR code of the second factor", "QR-Code des zweiten Faktors";
    Reason = "Reason", "Grund";
    RecoveryCode = "Recovery code", "Wiederherstellungscode";
    RecoveryCodes = "Recovery codes", "Wiederherstellungscodes";
    RecoveryCodesLeft = "Recovery codes left", "Übrige Wiederherstellungscodes";
    RecoveryCodesWhy = "Each lets you in once when your app is not at hand. They are shown only now: keep them in a safe place.", "Jeder lässt Sie einmal ein, wenn Ihre App nicht zur Hand ist. Sie werden nur jetzt gezeigt: verwahren Sie sie gut.";
    Refresh = "Refresh", "Aktualisieren";
    Refusals = "Refusals", "Abweisungen";
    Releases = "Releases", "Versionen";
    ReleasesFirst = "Publish the first one, here or by the API: programs ask for it.", "Veröffentlichen Sie die erste, hier oder über die API: Programme fragen danach.";
    ReleaseYanked = "Release taken back", "Veröffentlichung zurückgenommen";
    Renew = "Renew", "Verlängern";
    Reopen = "Reopen", "Wieder öffnen";
    RequestFile = "Request file", "Anfragedatei";
    RequestFileHint = "Choose it, or drop it here.", "Wählen Sie sie, oder lassen Sie sie hier fallen.";
    RequestId = "Request ID", "Anfrage-ID";
    ResetFactor = "Reset second factor", "Zweiten Faktor zurücksetzen";
    RestoreAndCheck = "Restore and check", "Wiederherstellen und prüfen";
    RestoreBegun = "It has begun; it shows below how far it is", "Es hat begonnen; unten steht, wie weit es ist";
    Resume = "Resume", "Fortsetzen";
    Retire = "Retire", "Außer Dienst stellen";
    RetireCustomerWhy = "Nothing new can be sold to it. Its licenses go on working; it cannot be taken back into use.", "Ihm kann nichts mehr verkauft werden. Seine Lizenzen gelten weiter; zurück in Dienst geht es nicht.";
    Retired = "retired", "außer Dienst";
    RetiredNow = "Retired", "Außer Dienst gestellt";
    RetirePolicyWhy = "No license can be issued under it any more. Those that were go on working; it cannot be taken back into use.", "Unter ihr kann keine Lizenz mehr ausgestellt werden. Bestehende gelten weiter; zurück in Dienst geht es nicht.";
    RetireProductWhy = "No policy and no release can be made for it any more. Its licenses go on working; it cannot be taken back into use.", "Für das Produkt entstehen keine Richtlinien und Veröffentlichungen mehr. Seine Lizenzen gelten weiter; zurück in Dienst geht es nicht.";
    RevealKey = "Reveal the key", "Schlüssel zeigen";
    Revoke = "Revoke", "Widerrufen";
    Revoked = "revoked", "widerrufen";
    RevokeWhy = "A revoked license never works again. Its devices hear of it at their next request, offline ones when their lease ends.", "Eine widerrufene Lizenz geht nie wieder. Ihre Geräte hören davon bei der nächsten Anfrage, Geräte ohne Netz, wenn ihre Frist endet.";
    Role = "Role", "Rolle";
    RoleMayNot = "Your role may not do this:", "Ihre Rolle darf das nicht:";
    RolesThatMay = "These may:", "Diese dürfen:";
    RollOut = "Roll-out", "Ausrollung";
    RollOutHint = "To how many of the machines it is offered, always the same ones first.", "Wie vielen der Geräte sie angeboten wird, immer denselben zuerst.";
    RolloutPercent = "Rollout percent", "Ausrollung in Prozent";
    RunDone = "done", "fertig";
    Running = "running", "läuft";
    Save = "Save", "Speichern";
    Saved = "Saved", "Gespeichert";
    Scopes = "Scopes", "Rechte";
    Search = "Search", "Suchen";
    SeatFreed = "Seat freed", "Platz freigegeben";
    SeatMoved = "Seat moved", "Platz umgezogen";
    Seats = "Seats", "Plätze";
    SeatsFree = "Free seats, at least", "Freie Plätze, mindestens";
    SeatsHint = "Empty: as the policy says.", "Leer: wie die Richtlinie sagt.";
    SeatsInUse = "Seats in use", "Belegte Plätze";
    SeatsWord = "seats", "Plätze";
    SecondFactor = "Second factor", "Zweiter Faktor";
    Seconds = "Seconds", "Sekunden";
    SecretToType = "Or type this secret:", "Oder geben Sie dieses Geheimnis ein:";
    Selection = "Selection", "Auswahl";
    SessionEnded = "Session ended", "Sitzung beendet";
    SessionEndsAt = "This session ends", "Diese Sitzung endet";
    Sessions = "Sessions", "Sitzungen";
    SetUp = "Set up your account", "Konto einrichten";
    SetUpWhy = "You will be the owner of this installation. Next you set up a second factor.", "Ihnen wird diese Installation gehören. Danach richten Sie einen zweiten Faktor ein.";
    Severity = "Severity", "Schwere";
    SignedOut = "signed out", "abgemeldet";
    SignIn = "Sign in", "Anmelden";
    SignInAgain = "Sign in again", "Noch einmal anmelden";
    SignInAgainWhy = "Your session has ended. Sign in, and it goes on; nothing that you typed is lost.", "Ihre Sitzung ist beendet. Melden Sie sich an, dann geht es weiter; nichts Eingegebenes ist verloren.";
    SigningIn = "signing in", "meldet sich an";
    SignOut = "Sign out", "Abmelden";
    Silent = "silent", "still";
    SilentSince = "Last seen before", "Zuletzt gesehen vor";
    Since = "Since", "Seit";
    Size = "Size", "Größe";
    SkipToContent = "Skip to content", "Zum Inhalt";
    SomethingWrong = "Something went wrong", "Etwas ging schief";
    StandsStill = "Lists are out of date, because these read models stand still:", "Listen sind nicht aktuell, denn diese Sichten stehen still:";
    StartedAt = "Started", "Begonnen";
    Status = "Status", "Stand";
    Suspend = "Suspend", "Aussetzen";
    Suspended = "suspended", "ausgesetzt";
    SuspendedLicenses = "Suspended licenses", "Ausgesetzte Lizenzen";
    System = "System", "System";
    TakenAt = "Made", "Gemacht";
    TakeTheirs = "Take theirs", "Anderes übernehmen";
    Theirs = "Theirs", "Anderes";
    Theme = "Theme", "Farben";
    ThemeDark = "Dark", "Dunkel";
    ThemeLight = "Light", "Hell";
    ThemeSystem = "As the system", "Wie das System";
    ThingId = "ID of the thing", "ID der Sache";
    ThisIsThePast = "This is how it was. What you see cannot be changed.", "So war es. Was Sie sehen, lässt sich nicht ändern.";
    ThisOne = "(this one)", "(diese)";
    TriedEvery = "Restored for trial every", "Zur Probe wiederhergestellt alle";
    TryAgain = "Try again", "Noch einmal versuchen";
    TypeToConfirm = "To confirm, type", "Zur Bestätigung bitte eingeben:";
    Unblock = "Unblock", "Entsperren";
    Undo = "Undo", "Rückgängig";
    Undone = "Undone", "Rückgängig gemacht";
    Unlock = "Unlock", "Einlassen";
    Unnamed = "(no name)", "(ohne Namen)";
    Unreachable = "The server does not answer. What you typed is still there; try again.", "Der Server antwortet nicht. Ihre Eingaben sind noch da; versuchen Sie es noch einmal.";
    Until = "Until", "Bis";
    UntilUnblocked = "until it is unblocked", "bis sie entsperrt wird";
    Usage = "Usage", "Nutzung";
    UseCode = "Use a code of the app", "Code der App verwenden";
    Used = "Used", "Verbraucht";
    UseRecoveryCode = "Use a recovery code", "Wiederherstellungscode verwenden";
    UsersByDay = "Users by day", "Benutzer nach Tagen";
    ValidFrom = "Valid from", "Gültig ab";
    Verify = "Verify", "Prüfen";
    VerifyBroken = "The check did not get to its end. It may be running elsewhere; try again.", "Die Prüfung kam nicht bis ans Ende. Vielleicht läuft sie schon anderswo; versuchen Sie es noch einmal.";
    Verifying = "Checking every link of the chain …", "Jedes Glied der Kette wird geprüft …";
    VerifyLog = "Verify the log", "Protokoll prüfen";
    Version = "Version", "Version";
    VersionScheme = "Version scheme", "Versionsschema";
    What = "What", "Was";
    WhatIf = "What would change", "Was sich ändern würde";
    WhatIfOf = "Judged by the last 30 days", "Gemessen an den letzten 30 Tagen";
    When = "When", "Wann";
    WhereTo = "Go to…", "Gehe zu …";
    Who = "Who", "Wer";
    Why = "Why", "Warum";
    WouldBeOverLimits = "Times a license used more than it may", "Mal, die eine Lizenz mehr verbrauchte, als sie darf";
    WouldBeOverSeats = "Licenses with more devices than seats", "Lizenzen mit mehr Geräten als Plätzen";
    WouldBeRefused = "Devices that would have been refused", "Geräte, die abgewiesen worden wären";
    WouldFallSilent = "Devices that would have lost their seat for silence", "Geräte, die ihren Platz wegen Stille verloren hätten";
    Yank = "Yank", "Zurücknehmen";
    Yanked = "yanked", "zurückgezogen";
    YankWhy = "It is offered to nobody any more, and cannot be offered again. Whoever runs it goes on.", "Sie wird niemandem mehr angeboten, auch später nicht. Wer sie verwendet, verwendet sie weiter.";
    Yes = "yes", "ja";
    YouAreSeenAs = "You are seen as", "Sie werden gesehen als";
    Yours = "Yours", "Ihres";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_says_something_in_each_language() {
        for text in Text::ALL {
            assert!(
                !text.english().trim().is_empty() && !text.german().trim().is_empty(),
                "{text:?}"
            );
        }
    }
}
