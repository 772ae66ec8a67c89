//! Operators on a real log: how they get in, on two nodes, and how nobody else does.

use std::sync::Arc;

use licet_commands::{
    CacheSizes, CommandError, Context, Platform,
    operator::{
        GivenCode, Hashing, KnownBrowser, LogIn, NewOperator, NewOwner, NextStep, SetupLink, SignInRules, SignedIn,
    },
    session::SessionHolder,
};
use licet_domain::{
    ResourceRejection,
    operator::LockOut,
    permission::Role,
    session::{EndReason, Level},
};
use licet_event_store::{Edge, Tenant, vault::Vault};
use licet_test_support::TestDatabase;
use totp_rs::{Builder, Secret};

const PASSWORD: &str = "correct horse battery";
const RULES: SignInRules = SignInRules {
    lock_out: LockOut { after: 3, seconds: 900 },
    lifetime_seconds: 86_400,
};

struct Node {
    platform: Arc<Platform>,
    hashing: Hashing,
    _tasks: licet_event_store::LogTasks,
}

impl Node {
    async fn start(database: &TestDatabase) -> Self {
        let (log, tasks) = database.log().await;
        let edge = Edge::system();
        let vault = Vault::new(
            log.pool().clone(),
            "a secret of at least thirty-two characters",
            edge.clone(),
        );
        Self {
            hashing: Hashing::new(&edge, 2),
            platform: Platform::new(log, vault, edge, CacheSizes::default()),
            _tasks: tasks,
        }
    }

    fn context(&self) -> Context {
        let edge = &self.platform.edge;
        Context::system("test", Tenant::default(), edge.now(), edge.id())
    }

    async fn invite(&self, email: &str) -> Result<String, CommandError> {
        let new = NewOperator {
            name: "Ada Example".to_owned(),
            email: email.to_owned(),
            role: Role::Owner,
        };
        let invited = self
            .platform
            .invite_operator(&self.context(), new, &|_| String::new())
            .await?;
        Ok(invited.value.token)
    }

    async fn accept(&self, link: &str, password: &str) -> Result<uuid::Uuid, CommandError> {
        self.platform
            .accept_invitation(&self.context(), &self.hashing, link, password)
            .await
    }

    async fn sign_in(&self, password: &str, browser: Option<&KnownBrowser>) -> Result<SignedIn, CommandError> {
        let log_in = LogIn {
            email: " Ada@Example.com".to_owned(),
            password: password.to_owned(),
            browser: browser.cloned(),
        };
        self.platform
            .sign_in(&self.context(), &self.hashing, RULES, log_in)
            .await
    }

    async fn holder(&self, token: &str) -> Option<SessionHolder> {
        let now = self.platform.edge.now();
        let found = self.platform.session_of(&Tenant::default(), token, now).await;
        found.expect("the database answers")
    }

    async fn give(
        &self,
        token: &str,
        given: GivenCode,
        browser: Option<&KnownBrowser>,
    ) -> Result<SignedIn, CommandError> {
        let holder = self.holder(token).await.expect("the session waits");
        self.platform
            .give_code(&self.context(), RULES, &holder, token, given, browser)
            .await
    }

    /// One whose second factor counts: its secret, and its recovery codes.
    async fn enrolled(&self) -> (Secret, Vec<String>) {
        let link = self.invite("ada@example.com").await.expect("the address is free");
        self.accept(&link, PASSWORD).await.expect("the link is good");
        let waiting = self.sign_in(PASSWORD, None).await.expect("the password is right");
        assert_eq!(waiting.next, NextStep::Enroll);
        let token = &waiting.session.token;
        let holder = self.holder(token).await.expect("the session waits");
        let shown = self
            .platform
            .enroll(&self.context(), &holder)
            .await
            .expect("it has no factor");
        let secret = Secret::try_from_base32(&shown.secret).expect("it is base32");
        let holder = self.holder(token).await.expect("the session waits");
        // The code of the step before, so that the present one is left.
        let code = code_of(&secret, self.platform.edge.now().seconds() - 30);
        let confirmed = self
            .platform
            .confirm_factor(&self.context(), &holder, token, &code, None)
            .await;
        let (codes, session) = confirmed.expect("the code is right");
        assert!(self.holder(token).await.is_none(), "the token is another one now");
        let holder = self.holder(&session.token).await.expect("it is in");
        assert_eq!(
            holder.session.state.facts().map(|session| session.level),
            Some(Level::Full)
        );
        (secret, codes)
    }
}

fn code_of(secret: &Secret, seconds: i64) -> String {
    let totp = Builder::new()
        .with_secret(secret.clone())
        .with_account_name("a")
        .build();
    let totp = totp.expect("the secret is long enough");
    totp.generate(seconds.cast_unsigned()).to_string()
}

fn code<T: std::fmt::Debug>(refused: Result<T, CommandError>) -> &'static str {
    match refused {
        Err(CommandError::Resource(
            ResourceRejection::Conflict { code, .. } | ResourceRejection::NotAuthenticated { code, .. },
        )) => code,
        Err(CommandError::Taken(kind)) => kind,
        Err(CommandError::Invalid(errors)) => errors.first().map_or("", |error| error.code),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_operator_gets_in_by_link_password_and_second_factor() {
    let database = TestDatabase::new().await;
    let node = Node::start(&database).await;
    let link = node.invite("grace@example.com").await.unwrap();
    assert_eq!(code(node.invite("Grace@Example.com").await), "operator_email");
    assert_eq!(code(node.accept(&link, "short").await), "PASSWORD_WEAK");
    node.accept(&link, PASSWORD).await.unwrap();
    assert_eq!(code(node.accept(&link, PASSWORD).await), "INVITATION_INVALID");

    let (secret, recovery) = node.enrolled().await;
    assert_eq!(recovery.len(), 10);
    let waiting = node.sign_in(PASSWORD, None).await.unwrap();
    assert_eq!(waiting.next, NextStep::Totp);
    let now = node.platform.edge.now().seconds();
    let given = GivenCode::Code(code_of(&secret, now));
    let inside = node.give(&waiting.session.token, given, None).await.unwrap();
    assert_eq!(inside.next, NextStep::Done);
    assert!(node.holder(&waiting.session.token).await.is_none());

    let other = node.sign_in(PASSWORD, None).await.unwrap();
    let spent = GivenCode::Recovery(recovery[3].to_uppercase());
    node.give(&other.session.token, spent.clone(), None).await.unwrap();
    let again = node.sign_in(PASSWORD, None).await.unwrap();
    assert_eq!(code(node.give(&again.session.token, spent, None).await), "CODE_INVALID");

    let context = node.context();
    let by = Some(inside.operator);
    let ended = node
        .platform
        .end_session(&context, inside.session.id, EndReason::Revoked, by)
        .await;
    ended.unwrap();
    assert!(node.holder(&inside.session.token).await.is_none());
    for nonsense in ["", "x", &"0".repeat(64)] {
        assert!(node.holder(nonsense).await.is_none(), "{nonsense:?}");
    }
}

#[tokio::test]
async fn a_setup_link_is_good_once_and_the_first_one_ends_the_others() {
    let database = TestDatabase::new().await;
    let node = Node::start(&database).await;
    let link = async |kind| node.platform.setup_token(&node.context(), kind).await.unwrap();
    let set_up = async |token: &str, email: &str| {
        let new = NewOwner {
            token: token.to_owned(),
            name: "Ada Example".to_owned(),
            email: email.to_owned(),
            password: PASSWORD.to_owned(),
        };
        node.platform.set_up(&node.context(), &node.hashing, new).await
    };
    let (first, second) = (link(SetupLink::First).await, link(SetupLink::First).await);
    assert!(!node.platform.has_operators(&Tenant::default()).await.unwrap());
    for forged in [
        first.replace("first", "rescue"),
        format!("{first}0"),
        String::new(),
        "first.9.9.9".to_owned(),
    ] {
        assert_eq!(
            code(set_up(&forged, "ada@example.com").await),
            "SETUP_LINK_INVALID",
            "{forged}"
        );
    }
    set_up(&first, "ada@example.com").await.unwrap();
    assert!(node.platform.has_operators(&Tenant::default()).await.unwrap());
    for used in [&first, &second, &link(SetupLink::First).await] {
        assert_eq!(code(set_up(used, "eve@example.com").await), "SETUP_LINK_INVALID");
    }
    let rescue = link(SetupLink::Rescue).await;
    assert_eq!(code(set_up(&rescue, "ADA@example.com").await), "operator_email");
    set_up(&rescue, "grace@example.com").await.unwrap();
    assert_eq!(code(set_up(&rescue, "eve@example.com").await), "SETUP_LINK_INVALID");
    let context = Context {
        now: node.platform.edge.now().plus_seconds(-86_400),
        ..node.context()
    };
    let over = node.platform.setup_token(&context, SetupLink::Rescue).await.unwrap();
    assert_eq!(code(set_up(&over, "eve@example.com").await), "SETUP_LINK_INVALID");
}

#[tokio::test]
async fn a_code_is_good_once_on_two_nodes_at_the_same_moment() {
    let database = TestDatabase::new().await;
    let nodes = [Node::start(&database).await, Node::start(&database).await];
    let (secret, _) = nodes[0].enrolled().await;
    let first = nodes[0].sign_in(PASSWORD, None).await.unwrap();
    let second = nodes[1].sign_in(PASSWORD, None).await.unwrap();
    let given = GivenCode::Code(code_of(&secret, nodes[0].platform.edge.now().seconds()));
    let (one, other) = tokio::join!(
        nodes[0].give(&first.session.token, given.clone(), None),
        nodes[1].give(&second.session.token, given, None),
    );
    assert_eq!(
        [&one, &other].iter().filter(|result| result.is_ok()).count(),
        1,
        "{one:?} {other:?}"
    );
    let reused = "SELECT count(*)::text FROM events WHERE event_type = 'operator.code_reused'";
    assert_eq!(database.text(reused).await, "1", "and the log says so");
}

#[tokio::test]
async fn whoever_guesses_is_shut_out_and_the_owner_is_not() {
    let database = TestDatabase::new().await;
    let node = Node::start(&database).await;
    let (_, recovery) = node.enrolled().await;
    for _ in 0..5 {
        assert_eq!(code(node.sign_in("a wrong password", None).await), "LOGIN_FAILED");
    }
    assert_eq!(
        code(node.sign_in(PASSWORD, None).await),
        "LOGIN_FAILED",
        "the door is shut for strangers"
    );
    let failures = "SELECT count(*)::text FROM events WHERE event_type = 'operator.login_failed'";
    assert_eq!(
        database.text(failures).await,
        "3",
        "knocking at a shut door fills no log"
    );
    let operator = node.sign_in(PASSWORD, None).await;
    assert!(operator.is_err());
    let id: uuid::Uuid = database
        .text("SELECT aggregate_id FROM events WHERE event_type = 'operator.invited'")
        .await
        .parse()
        .unwrap();
    let proof = node.platform.browser_proof(&Tenant::default(), id).await.unwrap();
    let read = async |proof: &str| {
        node.platform
            .read_browser_proof(&Tenant::default(), proof)
            .await
            .unwrap()
    };
    let browser = read(&proof).await.expect("it was made here");
    for forged in [
        proof.replace('.', ".0"),
        format!("{proof}0"),
        String::new(),
        "a.b.c".to_owned(),
    ] {
        assert_eq!(read(&forged).await, None, "{forged}");
    }
    let foreign = KnownBrowser {
        operator: uuid::Uuid::nil(),
        ..browser.clone()
    };
    assert_eq!(
        code(node.sign_in(PASSWORD, Some(&foreign)).await),
        "LOGIN_FAILED",
        "it knew someone else"
    );
    let own = node.sign_in(PASSWORD, Some(&browser)).await.unwrap();
    let given = GivenCode::Recovery(recovery[0].clone());
    node.give(&own.session.token, given, Some(&browser)).await.unwrap();
    let stranger = LogIn {
        email: "nobody@example.com".to_owned(),
        password: PASSWORD.to_owned(),
        browser: None,
    };
    let unknown = node
        .platform
        .sign_in(&node.context(), &node.hashing, RULES, stranger)
        .await;
    assert_eq!(code(unknown), "LOGIN_FAILED");
}

#[tokio::test]
async fn whoever_has_the_password_alone_replaces_no_second_factor() {
    let database = TestDatabase::new().await;
    let node = Node::start(&database).await;
    let link = node.invite("ada@example.com").await.unwrap();
    node.accept(&link, PASSWORD).await.unwrap();
    // Someone who knows the password signs in first, and waits.
    let thief = node.sign_in(PASSWORD, None).await.unwrap().session.token;
    let owner = node.sign_in(PASSWORD, None).await.unwrap().session.token;
    let enroll = async |token: &str| {
        let holder = node.holder(token).await.unwrap();
        node.platform.enroll(&node.context(), &holder).await
    };
    let confirm = async |token: &str, secret: &str| {
        let holder = node.holder(token).await.unwrap();
        let secret = Secret::try_from_base32(secret).unwrap();
        let code = code_of(&secret, node.platform.edge.now().seconds());
        node.platform
            .confirm_factor(&node.context(), &holder, token, &code, None)
            .await
    };
    let shown = enroll(&owner).await.unwrap();
    let other = enroll(&thief).await.unwrap();
    assert_eq!(
        code(confirm(&owner, &shown.secret).await),
        "CODE_INVALID",
        "another one is proposed by now"
    );
    let shown = enroll(&owner).await.unwrap();
    confirm(&owner, &shown.secret).await.unwrap();
    assert_eq!(code(enroll(&thief).await), "FACTOR_ENROLLED");
    assert_eq!(code(confirm(&thief, &other.secret).await), "CODE_INVALID");
}

#[tokio::test]
async fn each_step_may_come_by_another_node() {
    let database = TestDatabase::new().await;
    let nodes = [Node::start(&database).await, Node::start(&database).await];
    let link = nodes[0].invite("ada@example.com").await.unwrap();
    nodes[1].accept(&link, PASSWORD).await.unwrap();
    let waiting = nodes[0].sign_in(PASSWORD, None).await.unwrap().session.token;
    let holder = nodes[1].holder(&waiting).await.unwrap();
    let shown = nodes[1].platform.enroll(&nodes[1].context(), &holder).await.unwrap();
    let secret = Secret::try_from_base32(&shown.secret).unwrap();
    let code = code_of(&secret, nodes[0].platform.edge.now().seconds() - 30);
    let holder = nodes[0].holder(&waiting).await.unwrap();
    let context = nodes[0].context();
    let confirmed = nodes[0]
        .platform
        .confirm_factor(&context, &holder, &waiting, &code, None)
        .await;
    let (_, session) = confirmed.unwrap();
    let holder = nodes[1].holder(&session.token).await.unwrap();
    assert_eq!(
        holder.session.state.facts().map(|session| session.level),
        Some(Level::Full)
    );
    let again = nodes[1].sign_in(PASSWORD, None).await.unwrap().session.token;
    let given = GivenCode::Code(code_of(&secret, nodes[0].platform.edge.now().seconds()));
    nodes[0].give(&again, given, None).await.unwrap();
}

#[tokio::test]
async fn a_link_that_is_none_tells_nothing_about_operators() {
    let database = TestDatabase::new().await;
    let node = Node::start(&database).await;
    let link = node.invite("ada.lovelace@example.com").await.unwrap();
    let (id, _) = link.split_once('.').unwrap();
    let nobody = uuid::Uuid::nil().simple();
    for wrong in [
        format!("{id}.0000"),
        format!("{nobody}.0000"),
        id.to_owned(),
        String::new(),
    ] {
        // A password that contains her name is as good as any other one.
        let refused = node.accept(&wrong, "ada.lovelace 2026").await;
        assert_eq!(code(refused), "INVITATION_INVALID", "{wrong}");
    }
    let context = node.context();
    let operator = id.parse().unwrap();
    let another = node
        .platform
        .reinvite_operator(&context, operator, &|_| String::new())
        .await
        .unwrap();
    assert_eq!(code(node.accept(&link, PASSWORD).await), "INVITATION_INVALID");
    node.accept(&another.value.token, PASSWORD).await.unwrap();
    assert_eq!(code(node.invite("ADA.Lovelace@EXAMPLE.com").await), "operator_email");
}
