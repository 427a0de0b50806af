/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_NTLMSSP_H
#define POSTERN_NTLMSSP_H

/* The three messages of NTLM ([MS-NLMP] section 2.2.1), as far as a relay
 * looks into them: their kind, the flags, and who the client says it is.
 *
 * Offsets and lengths are checked against the message.  No cryptography: the
 * verifier does that.  Pure; any thread. */

#include <apr_pools.h>

/* The largest message that is looked at: what fits, with its frame, into the
 * 5840 bytes of a DCE/RPC fragment that Samba takes. */
#define NTLMSSP_MESSAGE_MAX 5744

/* NegotiateFlags, [MS-NLMP] section 2.2.2.5. */
#define NTLMSSP_NEGOTIATE_UNICODE 0x00000001u
#define NTLMSSP_NEGOTIATE_ANONYMOUS 0x00000800u

typedef enum ntlmssp_kind_e {
    NTLMSSP_NEGOTIATE = 1,   /* type 1, from the client */
    NTLMSSP_CHALLENGE = 2,   /* type 2, from the verifier */
    NTLMSSP_AUTHENTICATE = 3 /* type 3, from the client */
} ntlmssp_kind_t;

typedef struct ntlmssp_authenticate_t {
    const char *domain;      /* as the client asserts it; UTF-8, may be "" */
    const char *user;        /* UTF-8, may be "" */
    const char *workstation; /* UTF-8, may be "" */
    apr_size_t nt_response_len;
    apr_uint32_t flags;
} ntlmssp_authenticate_t;

/* The kind of the `len` bytes at `message`, of which only signature, type and
 * fixed size are checked.  APR_EINVAL with a static reason in *why for
 * anything else, APR_ENOSPC when it is longer than NTLMSSP_MESSAGE_MAX. */
apr_status_t ntlmssp_kind(ntlmssp_kind_t *kind, const void *message,
                          apr_size_t len, const char **why);

/* The flags of a type 1 (of 32 bytes, or 40 and more) whose fields are sound;
 * else as above. */
apr_status_t ntlmssp_read_negotiate(apr_uint32_t *flags, const void *message,
                                    apr_size_t len, const char **why);

/* The flags of a type 2.  The verifier parses the names of the type 3 by these
 * and not by those of the type 3. */
apr_status_t ntlmssp_read_challenge(apr_uint32_t *flags, const void *message,
                                    apr_size_t len, const char **why);

/* Reads a type 3 that answers a type 2 with the flags `agreed`; strings are
 * copied to `pool`.  APR_EINVAL also when a name holds a control character or
 * is not in the character set that was agreed. */
apr_status_t ntlmssp_read_authenticate(ntlmssp_authenticate_t *message,
                                       const void *bytes, apr_size_t len,
                                       apr_uint32_t agreed, const char **why,
                                       apr_pool_t *pool);

#endif
