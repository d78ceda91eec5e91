// Who we are: the initiator port identifier that goes into the login.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "srp/login.h"

namespace srpd::initiator {

/// Stable for this machine and user-space initiator: a hash of /etc/machine-id (or of the host name
/// where there is none), so that access control lists can name it. The machine-id itself stays
/// secret, as machine-id(5) asks for. It is a label, not a credential.
srp::PortId default_initiator_id();

/// What default_initiator_id() is of `seed`, for tests.
srp::PortId initiator_id_from(std::string_view seed);

/// As --initiator-id takes it: 16 or 32 hexadecimal digits.
Expected<srp::PortId> parse_initiator_id(std::string_view text);

/// The error of Session::connect() has this remedy: what to allow on the target.
std::string allow_hint(const srp::PortId& initiator);

}  // namespace srpd::initiator
