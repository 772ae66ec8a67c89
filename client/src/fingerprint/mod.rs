//! Reads what this machine is known by: on Linux from its files, on macOS and Windows by the commands that come with them.

use std::{collections::BTreeMap, fs, path::Path};

use licet_contracts::license;
use licet_domain::values::{Fingerprint as Normalized, RawFingerprint};

use crate::{Error, platform};

/// What this machine is known by, as it is sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fingerprint {
    /// Hardware addresses of its network cards.
    pub mac_addresses: Vec<String>,
    /// Its processor: vendor, family, model and stepping.
    pub cpu_id: Option<String>,
    /// The system's UUID from the firmware.
    pub system_uuid: Option<String>,
    /// The operating system's installation id.
    pub machine_id: Option<String>,
    /// What else the program knows the machine by, such as a dongle's number; it counts only where the policy names it.
    pub extra: BTreeMap<String, String>,
    /// Why a component is missing, for people.
    pub missing: Vec<String>,
}

/// Arguments of `reg` that print Windows' installation id.
const MACHINE_GUID: [&str; 5] = [
    "query",
    r"HKLM\SOFTWARE\Microsoft\Cryptography",
    "/v",
    "MachineGuid",
    "/reg:64",
];

impl Fingerprint {
    /// Reads this machine's components; an error when they tell it apart from no other, which no policy accepts by default.
    pub fn of_this_machine() -> Result<Self, Error> {
        Self::of_platform().expect_usable()
    }

    fn expect_usable(mut self) -> Result<Self, Error> {
        let normalized = self.normalized()?;
        let dropped = normalized.dropped();
        self.missing
            .extend(dropped.iter().map(|dropped| format!("{dropped} counts as absent")));
        // Which components count does not depend on the license's key.
        let components = normalized.hash(&[0; 32]).components;
        let present = components.count(&[]);
        if present < 2 || !components.tells_apart(&[]) {
            let missing = self.missing.join("; ");
            return Err(Error::Hardware(format!(
                "this machine shows {present} of the components that licenses ask for: {missing}. \
                 In a container, pass the host's hardware through, or license the host"
            )));
        }
        Ok(self)
    }

    /// The same with something more that the program knows the machine by.
    #[must_use]
    pub fn with_extra(mut self, name: &str, value: &str) -> Self {
        self.extra.insert(name.to_owned(), value.to_owned());
        self
    }

    fn of_platform() -> Self {
        if cfg!(target_os = "macos") {
            return Self::of_macos();
        }
        if cfg!(target_os = "windows") {
            return Self::of_windows();
        }
        Self::read(Path::new("/"))
    }

    fn of_macos() -> Self {
        let run = |program: &str, arguments: &[&str]| output(program, arguments).unwrap_or_default();
        Self {
            mac_addresses: platform::macs_of_ifconfig(&run("/sbin/ifconfig", &[])),
            cpu_id: platform::first_line(&run("/usr/sbin/sysctl", &["-n", "machdep.cpu.brand_string"])),
            system_uuid: platform::uuid_of_ioreg(&run("/usr/sbin/ioreg", &["-rd1", "-c", "IOPlatformExpertDevice"])),
            ..Self::default()
        }
        .with_missing()
    }

    fn of_windows() -> Self {
        let ask = |question: &str| {
            let script = format!("(Get-CimInstance {question}");
            let text = output("powershell", &["-NoProfile", "-NonInteractive", "-Command", &script]);
            platform::first_line(&text.unwrap_or_default())
        };
        let macs = output("getmac", &["/fo", "csv", "/nh"]).unwrap_or_default();
        Self {
            mac_addresses: platform::macs_of_getmac(&macs),
            cpu_id: ask("Win32_Processor | Select-Object -First 1).ProcessorId"),
            system_uuid: ask("Win32_ComputerSystemProduct).UUID"),
            machine_id: platform::machine_guid(&output("reg", &MACHINE_GUID).unwrap_or_default()),
            ..Self::default()
        }
        .with_missing()
    }

    fn with_missing(mut self) -> Self {
        let parts = [
            (self.mac_addresses.is_empty(), "no network card with a hardware address"),
            (self.cpu_id.is_none(), "no processor id"),
            (self.system_uuid.is_none(), "no system UUID"),
            (
                self.machine_id.is_none() && !cfg!(target_os = "macos"),
                "no installation id",
            ),
        ];
        let missing = parts.iter().filter(|(missing, _)| *missing);
        self.missing = missing.map(|(_, what)| (*what).to_owned()).collect();
        self
    }

    /// Reads the components of a machine whose file system is mounted at `root`.
    pub fn read(root: &Path) -> Self {
        let mac_addresses = mac_addresses(&root.join("sys/class/net"));
        let mut found = Self {
            mac_addresses,
            ..Self::default()
        };
        if found.mac_addresses.is_empty() {
            found
                .missing
                .push("no network card with a hardware address (/sys/class/net)".to_owned());
        }
        found.cpu_id = cpu_id(&root.join("proc/cpuinfo"));
        if found.cpu_id.is_none() {
            found.missing.push("no processor id (/proc/cpuinfo)".to_owned());
        }
        match fs::read_to_string(root.join("sys/class/dmi/id/product_uuid")) {
            Ok(uuid) if !uuid.trim().is_empty() => found.system_uuid = Some(uuid.trim().to_owned()),
            Ok(_) => found
                .missing
                .push("an empty system UUID (/sys/class/dmi/id/product_uuid)".to_owned()),
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                found
                    .missing
                    .push("the system UUID, which only root may read (/sys/class/dmi/id/product_uuid)".to_owned());
            }
            Err(_) => found
                .missing
                .push("no system UUID (/sys/class/dmi/id/product_uuid)".to_owned()),
        }
        // The second one is older than systemd, and a link to the first where both are there.
        let machine_id = ["etc/machine-id", "var/lib/dbus/machine-id"].iter().find_map(|path| {
            let text = fs::read_to_string(root.join(path)).ok()?;
            platform::first_line(&text)
        });
        match machine_id {
            Some(id) => found.machine_id = Some(id),
            None => found.missing.push("no installation id (/etc/machine-id)".to_owned()),
        }
        found
    }

    /// As it crosses the wire.
    pub fn to_wire(&self) -> license::Fingerprint {
        license::Fingerprint {
            mac_addresses: (!self.mac_addresses.is_empty()).then(|| self.mac_addresses.clone()),
            cpu_id: self.cpu_id.clone(),
            system_uuid: self.system_uuid.clone(),
            machine_id: self.machine_id.clone(),
            extra: (!self.extra.is_empty()).then(|| self.extra.clone()),
        }
    }

    pub(crate) fn normalized(&self) -> Result<Normalized, Error> {
        let raw = RawFingerprint {
            mac_addresses: self.mac_addresses.clone(),
            cpu_id: self.cpu_id.clone(),
            system_uuid: self.system_uuid.clone(),
            machine_id: self.machine_id.clone(),
            extra: self.extra.clone(),
        };
        raw.normalize().map_err(|error| Error::Hardware(error.detail))
    }
}

/// What a command prints; `None` where it is not there or fails.
pub(crate) fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = std::process::Command::new(program).args(arguments).output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Addresses of real cards first; where there are none, as in containers, those of virtual ones that were not made at
/// random by this boot.
fn mac_addresses(folder: &Path) -> Vec<String> {
    let cards: Vec<_> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    let address = |card: &std::path::PathBuf| {
        let kind = fs::read_to_string(card.join("type")).unwrap_or_default();
        let text = fs::read_to_string(card.join("address")).ok()?.trim().to_lowercase();
        // Type 1 is Ethernet; the loopback has another.
        (kind.trim() == "1" && text != "00:00:00:00:00:00" && text.len() == 17).then_some(text)
    };
    let real = cards
        .iter()
        .filter(|card| card.join("device").exists())
        .filter_map(address);
    let mut found: Vec<String> = real.collect();
    if found.is_empty() {
        let fixed = |card: &&std::path::PathBuf| {
            // 1 and 2: made at random, or copied from another card.
            let origin = fs::read_to_string(card.join("addr_assign_type")).unwrap_or_default();
            !matches!(origin.trim(), "1" | "2")
        };
        found = cards.iter().filter(fixed).filter_map(address).collect();
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Vendor, family, model and stepping of the first processor.
fn cpu_id(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let field = |name: &str| {
        let line = text
            .lines()
            .find(|line| line.split(':').next().is_some_and(|key| key.trim() == name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    if let Some(vendor) = field("vendor_id") {
        return Some(format!(
            "{vendor}-{}-{}-{}",
            field("cpu family")?,
            field("model")?,
            field("stepping")?
        ));
    }
    // ARM reports other names.
    let parts = [
        "CPU implementer",
        "CPU architecture",
        "CPU variant",
        "CPU part",
        "CPU revision",
    ];
    let parts: Option<Vec<String>> = parts.into_iter().map(field).collect();
    parts.map(|parts| parts.join("-"))
}

#[cfg(test)]
mod tests;
