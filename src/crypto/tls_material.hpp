#pragma once

// For the TLS sources of this room.

#include "crypto/tls_identity.hpp"
#include "crypto/tls_library.hpp"

namespace bellhop::crypto {

struct TlsIdentity::Material {
  Owned<x509_st> certificate;
  Owned<evp_pkey_st> key;
  Owned<stack_st_X509> chain;  ///< the issuers, nearest first, without the certificate itself
};

}  // namespace bellhop::crypto
