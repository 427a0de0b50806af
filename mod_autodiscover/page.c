/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "page.h"

#include "lib/xml.h"

#include <apr_strings.h>

#define TITLE "Autodiscover self-check"

static const char style[] =
    "body{font:1rem/1.45 system-ui,sans-serif;max-width:62rem;"
    "margin:2rem auto;padding:0 1rem;color:#1c2733;background:#fff}"
    "h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}"
    "input,button{font:inherit;padding:.4rem .6rem}"
    "input{width:22rem;max-width:100%}"
    "table{border-collapse:collapse;width:100%}"
    "th,td{text-align:left;padding:.35rem .6rem;"
    "border-bottom:1px solid #d5dde5;vertical-align:top}"
    "td{overflow-wrap:anywhere}"
    ".finds{color:#0a6b2d}.fails{color:#a40e26;font-weight:600}"
    ".not{color:#5a6673}"
    "pre{background:#f3f6f9;padding:.8rem;overflow-x:auto;"
    "font-size:.85rem;white-space:pre-wrap;overflow-wrap:anywhere}"
    "summary{cursor:pointer}"
    "@media(prefers-color-scheme:dark){body{color:#e4e9ee;background:#15191d}"
    "pre{background:#20262c}th,td{border-color:#36404a}"
    ".finds{color:#6fd492}.fails{color:#ff8a93}.not{color:#9aa6b2}}";

static const char *class_of(verdict_e verdict)
{
    static const char *const names[] = {"finds", "not", "fails"};

    return names[verdict];
}

static void put_head(xml_out_t *x)
{
    xml_out_start(x, "head");
    xml_out_element(x, "title", TITLE);
    xml_out_start(x, "meta");
    xml_out_attribute(x, "name", "viewport");
    xml_out_attribute(x, "content", "width=device-width");
    xml_out_end(x);
    xml_out_element(x, "style", style);
    xml_out_end(x);
}

static void put_form(xml_out_t *x, const char *address)
{
    xml_out_start(x, "form");
    xml_out_attribute(x, "method", "get");
    xml_out_start(x, "label");
    xml_out_text(x, "Mail address ");
    xml_out_start(x, "input");
    xml_out_attribute(x, "name", "address");
    xml_out_attribute(x, "type", "email");
    xml_out_attribute(x, "required", "required");
    xml_out_attribute(x, "value", address ? address : "");
    xml_out_end(x);
    xml_out_end(x);
    xml_out_text(x, " ");
    xml_out_element(x, "button", "Ask as each client would");
    xml_out_end(x);
}

static void put_verdicts(xml_out_t *x, const page_section_t *section,
                         apr_pool_t *pool)
{
    apr_array_header_t *all =
        verdict_all(section->question, &section->reply, pool);
    int i;

    for (i = 0; i < all->nelts; i++) {
        const verdict_t *v = &APR_ARRAY_IDX(all, i, verdict_t);

        xml_out_start(x, "tr");
        xml_out_element(x, "td", v->client);
        xml_out_start(x, "td");
        xml_out_attribute(x, "class", class_of(v->verdict));
        xml_out_text(x, verdict_name(v->verdict));
        xml_out_end(x);
        xml_out_element(x, "td", v->says);
        xml_out_end(x);
    }
}

static void put_summary(xml_out_t *x, const apr_array_header_t *sections,
                        apr_pool_t *pool)
{
    static const char *const heads[] = {"Client", "Result",
                                        "What it concludes"};
    int i;

    xml_out_start(x, "table");
    xml_out_start(x, "thead");
    xml_out_start(x, "tr");
    for (i = 0; i < 3; i++) {
        xml_out_element(x, "th", heads[i]);
    }
    xml_out_end(x);
    xml_out_end(x);
    xml_out_start(x, "tbody");
    for (i = 0; i < sections->nelts; i++) {
        put_verdicts(x, &APR_ARRAY_IDX(sections, i, page_section_t), pool);
    }
    xml_out_end(x);
    xml_out_end(x);
}

static void put_raw(xml_out_t *x, const page_section_t *section)
{
    int is_text = section->reply.len == 0 || section->reply.bytes[0] != '\x30';

    xml_out_start(x, "details");
    xml_out_start(x, "summary");
    xml_out_text(x, verdict_question_name(section->question));
    xml_out_end(x);
    xml_out_element(x, "pre",
                    is_text ? section->reply.bytes : "(signed profile)");
    xml_out_end(x);
}

static void put_trace(xml_out_t *x, const apr_array_header_t *trace)
{
    int i;

    xml_out_element(x, "h2", "Trace");
    xml_out_start(x, "ol");
    for (i = 0; i < trace->nelts; i++) {
        xml_out_element(x, "li", APR_ARRAY_IDX(trace, i, const char *));
    }
    xml_out_end(x);
}

static void put_results(xml_out_t *x, const apr_array_header_t *sections,
                        const apr_array_header_t *trace, apr_pool_t *pool)
{
    int i;

    if (sections->nelts) {
        xml_out_element(x, "h2", "Clients");
        put_summary(x, sections, pool);
    }
    put_trace(x, trace);
    if (sections->nelts) {
        xml_out_element(x, "h2", "Answers");
    }
    for (i = 0; i < sections->nelts; i++) {
        put_raw(x, &APR_ARRAY_IDX(sections, i, page_section_t));
    }
    xml_out_element(x, "p",
                    "Names in DNS and certificates are seen from outside: run "
                    "autodiscover-check for them.");
}

apr_status_t page_print(const char *address, const apr_array_header_t *sections,
                        const apr_array_header_t *trace, const char **bytes,
                        apr_size_t *len, apr_pool_t *pool)
{
    xml_out_t *x = xml_out_create(pool);

    xml_out_start(x, "html");
    xml_out_attribute(x, "xmlns", "http://www.w3.org/1999/xhtml");
    xml_out_attribute(x, "lang", "en");
    put_head(x);
    xml_out_start(x, "body");
    xml_out_element(x, "h1", TITLE);
    put_form(x, address);
    if (address) {
        put_results(x, sections, trace, pool);
    }
    return xml_out_finish(x, bytes, len);
}
