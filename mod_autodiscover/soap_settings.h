/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_SOAP_SETTINGS_H
#define POSTERN_SOAP_SETTINGS_H

/* The settings that a SOAP client can name (MS-OXWSADISC section 3.1.4.1.4,
 * and those of domains): a table from names to the answer model.  Pure. */

#include "answer.h"

#include "lib/xml.h"

typedef enum discover_setting_e {
    DISCOVER_SETTING_OK,
    DISCOVER_SETTING_NOT_AVAILABLE, /* known, but there is no value */
    DISCOVER_SETTING_UNKNOWN
} discover_setting_e;

/* Whether GetUserSettings (or, with `of_domain`, GetDomainSettings) has a value
 * for the setting `name`. */
discover_setting_e discover_soap_settings_look(const discover_answer_t *answer,
                                               const char *name, int of_domain,
                                               apr_pool_t *pool);

/* Prints one UserSetting or DomainSetting for which the look-up said OK. */
void discover_soap_settings_print(xml_out_t *x, const discover_answer_t *answer,
                                  const char *name, int of_domain,
                                  apr_pool_t *pool);

/* The name of the newest schema that `version` speaks, such as
 * Exchange2013_SP1. */
const char *discover_soap_settings_schema(const discover_version_t *version);

#endif
