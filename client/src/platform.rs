//! What macOS and Windows tell about a machine, by the commands that come with them. Reading their answers is apart from
//! running them, so that it can be tested anywhere.

/// Hardware addresses in the output of `ifconfig`: of the cards that have one of their own.
pub(crate) fn macs_of_ifconfig(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| line.trim().strip_prefix("ether "))
        .filter_map(|rest| rest.split_whitespace().next())
        .map(str::to_lowercase)
        .filter(|address| !is_local(address))
        .collect()
}

/// `IOPlatformUUID` in the output of `ioreg`.
pub(crate) fn uuid_of_ioreg(text: &str) -> Option<String> {
    let line = text.lines().find(|line| line.contains("IOPlatformUUID"))?;
    let value = line.split('=').nth(1)?.trim().trim_matches('"');
    (!value.is_empty()).then(|| value.to_owned())
}

/// `MachineGuid` in the output of `reg query`.
pub(crate) fn machine_guid(text: &str) -> Option<String> {
    let line = text.lines().find(|line| line.contains("MachineGuid"))?;
    line.split_whitespace().last().map(str::to_owned)
}

/// Hardware addresses in the output of `getmac /fo csv /nh`: the first field of each line.
pub(crate) fn macs_of_getmac(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| line.split(',').next())
        .map(|field| field.trim().trim_matches('"').replace('-', ":").to_lowercase())
        .filter(|address| address.len() == 17 && !is_local(address))
        .collect()
}

/// The value of the output of `powershell -Command (Get-CimInstance …).Name`: its first line that says something.
pub(crate) fn first_line(text: &str) -> Option<String> {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    Some(line.to_owned())
}

/// Whether an address was made up by software: its second lowest bit says so (IEEE 802).
fn is_local(address: &str) -> bool {
    let first = address.get(..2).and_then(|byte| u8::from_str_radix(byte, 16).ok());
    first.is_none_or(|byte| byte & 2 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_macos_says() {
        let ifconfig = "en0: flags=8863<UP> mtu 1500\n\tether a4:83:e7:12:34:56 \n\tinet 192.0.2.7\nawdl0:\n\tether 0a:1b:2c:3d:4e:5f\n";
        assert_eq!(macs_of_ifconfig(ifconfig), ["a4:83:e7:12:34:56"]);
        let ioreg = "+-o J314  <class IOPlatformExpertDevice>\n  \"IOPlatformUUID\" = \"564D1234-0000-4000-8000-ABCDEF012345\"\n";
        assert_eq!(
            uuid_of_ioreg(ioreg).as_deref(),
            Some("564D1234-0000-4000-8000-ABCDEF012345")
        );
        assert_eq!(uuid_of_ioreg("nothing"), None);
    }

    #[test]
    fn what_windows_says() {
        let getmac = "\"A4-83-E7-12-34-56\",\"\\Device\\Tcpip_{1}\"\r\n\"N/A\",\"Disconnected\"\r\n\"02-00-4C-4F-4F-50\",\"x\"\r\n";
        assert_eq!(macs_of_getmac(getmac), ["a4:83:e7:12:34:56"]);
        assert_eq!(first_line("\r\n 4C4C4544-0042 \r\n").as_deref(), Some("4C4C4544-0042"));
        assert_eq!(first_line(" \r\n"), None);
        let reg = "\r\nHKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Cryptography\r\n    MachineGuid    REG_SZ    6f2c3a5e-1b7d-4c1e-9a57-2d3e4f5a6b7c\r\n\r\n";
        assert_eq!(
            machine_guid(reg).as_deref(),
            Some("6f2c3a5e-1b7d-4c1e-9a57-2d3e4f5a6b7c")
        );
        assert_eq!(
            machine_guid("ERROR: The system was unable to find the specified registry key"),
            None
        );
    }
}
