/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "errors.h"

#include <stddef.h>

/* exchangelib knows the first one by its exact text. */
static const struct {
    discover_error_e error;
    const char *message;
} messages[] = {
    {DISCOVER_UNKNOWN_ADDRESS, "The email address can't be found."},
    {DISCOVER_NO_CONFIGURATION,
     "No configuration is available for this email address."},
    {DISCOVER_MALFORMED, "Invalid Request"},
    {DISCOVER_NO_PROVIDER, "Provider is not available"},
    {DISCOVER_BROKEN, "The configuration of this email address is broken."},
    {DISCOVER_INTERNAL, "The server cannot answer now, try again later."},
};

const char *discover_errors_message(discover_error_e error)
{
    size_t i;

    for (i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
        if (messages[i].error == error) {
            return messages[i].message;
        }
    }
    return "";
}
