/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* A Windows program that makes one RPC call over HTTPS with Basic or NTLM, by
 * the RPC runtime of Windows or Wine.
 *
 *   wine_rpc.exe PROXY SERVER PORT DOMAIN USER PASSWORD [ntlm]
 *
 * Asks the management interface at SERVER:PORT which interfaces it has
 * ([C706] rpc__mgmt_inq_if_ids), prints how many bytes came back. */

#include <windows.h>
#include <rpc.h>
#include <rpcdcep.h>
#include <stdio.h>

/* afa8bd80-7d8a-11c9-bef4-08002b102989 1.0, in NDR. */
static RPC_CLIENT_INTERFACE management = {
    sizeof(RPC_CLIENT_INTERFACE),
    {{0xafa8bd80,
      0x7d8a,
      0x11c9,
      {0xbe, 0xf4, 0x08, 0x00, 0x2b, 0x10, 0x29, 0x89}},
     {1, 0}},
    {{0x8a885d04,
      0x1ceb,
      0x11c9,
      {0x9f, 0xe8, 0x08, 0x00, 0x2b, 0x10, 0x48, 0x60}},
     {2, 0}},
    NULL,
    0,
    NULL,
    0,
    NULL,
    0};

static int failed(const char *what, RPC_STATUS status)
{
    printf("FAIL %s: %ld\n", what, (long)status);
    return 1;
}

/* TLS and a login at the proxy, nothing inside. */
static RPC_STATUS log_in(RPC_BINDING_HANDLE binding, char *domain, char *user,
                         char *password, unsigned long scheme)
{
    SEC_WINNT_AUTH_IDENTITY_A identity = {0};
    RPC_HTTP_TRANSPORT_CREDENTIALS_A http = {0};
    RPC_SECURITY_QOS_V2_A quality = {0};

    identity.Domain = (unsigned char *)domain;
    identity.DomainLength = lstrlenA(domain);
    identity.User = (unsigned char *)user;
    identity.UserLength = lstrlenA(user);
    identity.Password = (unsigned char *)password;
    identity.PasswordLength = lstrlenA(password);
    identity.Flags = SEC_WINNT_AUTH_IDENTITY_ANSI;
    http.TransportCredentials = &identity;
    http.Flags = RPC_C_HTTP_FLAG_USE_SSL;
    http.AuthenticationTarget = RPC_C_HTTP_AUTHN_TARGET_SERVER;
    http.NumberOfAuthnSchemes = 1;
    http.AuthnSchemes = &scheme;
    quality.Version = 2;
    quality.ImpersonationType = RPC_C_IMP_LEVEL_IDENTIFY;
    quality.AdditionalSecurityInfoType = RPC_C_AUTHN_INFO_TYPE_HTTP;
    quality.u.HttpCredentials = &http;
    return RpcBindingSetAuthInfoExA(binding, NULL, RPC_C_AUTHN_LEVEL_NONE,
                                    RPC_C_AUTHN_NONE, NULL, 0,
                                    (RPC_SECURITY_QOS *)&quality);
}

static RPC_STATUS call(RPC_BINDING_HANDLE binding, unsigned int operation,
                       RPC_MESSAGE *message)
{
    RPC_STATUS status;

    message->Handle = binding;
    message->ProcNum = operation;
    message->DataRepresentation = 0x10;
    message->RpcInterfaceInformation = &management;
    status = I_RpcGetBuffer(message);
    return status == RPC_S_OK ? I_RpcSendReceive(message) : status;
}

int main(int argc, char **argv)
{
    char text[512];
    RPC_BINDING_HANDLE binding;
    RPC_MESSAGE message = {0};
    RPC_STATUS status;

    if (argc != 7 && argc != 8)
        return failed("arguments", argc);
    snprintf(text, sizeof(text), "ncacn_http:%s[%s,RpcProxy=%s]", argv[2],
             argv[3], argv[1]);
    status = RpcBindingFromStringBindingA((unsigned char *)text, &binding);
    if (status != RPC_S_OK)
        return failed("binding", status);
    status = log_in(binding, argv[4], argv[5], argv[6],
                    argc == 8 ? RPC_C_HTTP_AUTHN_SCHEME_NTLM
                              : RPC_C_HTTP_AUTHN_SCHEME_BASIC);
    if (status != RPC_S_OK)
        return failed("login", status);
    status = call(binding, 0, &message);
    if (status != RPC_S_OK)
        return failed("call", status);
    printf("PASS %u bytes\n", message.BufferLength);
    I_RpcFreeBuffer(&message);
    return 0;
}
