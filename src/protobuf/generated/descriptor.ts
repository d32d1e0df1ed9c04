// Generated from proto/ by `npm run generate`. Do not edit.

export const descriptor = {
  "nested": {
    "api": {
      "nested": {
        "v1": {
          "nested": {
            "GetReleaseTrainPrognosisResponse": {
              "fields": {
                "envsPrognoses": {
                  "keyType": "string",
                  "type": "ReleaseTrainEnvPrognosis",
                  "id": 1,
                  "protoName": "envs_prognoses",
                  "comment": "By environment."
                },
                "target": {
                  "type": "string",
                  "id": 100,
                  "comment": "The environment or environment group that was asked about."
                },
                "team": {
                  "type": "string",
                  "id": 101,
                  "comment": "Only applications of this team were considered; absent when all were."
                },
                "fingerprint": {
                  "type": "string",
                  "id": 102,
                  "comment": "Identifies the content of this prognosis. A train with this value in `If-Match` runs only if its prognosis is still the same."
                },
                "commit": {
                  "type": "string",
                  "id": 103,
                  "comment": "The commit it was decided from; absent while the repository is empty."
                },
                "warnings": {
                  "rule": "repeated",
                  "type": "string",
                  "id": 104,
                  "comment": "What could not be taken into account, as sentences."
                },
                "validUntil": {
                  "type": "google.protobuf.Timestamp",
                  "id": 105,
                  "protoName": "valid_until",
                  "comment": "From this moment on, time alone may have changed the answer, because a lock behind it ends. Absent when time cannot."
                },
                "gitTag": {
                  "type": "string",
                  "id": 106,
                  "protoName": "git_tag",
                  "comment": "The git tag that the train's commit is to get; absent when it is to get none."
                },
                "sourceGitTag": {
                  "type": "string",
                  "id": 107,
                  "protoName": "source_git_tag",
                  "comment": "Of a replay: the git tag whose commit the versions are taken from, and that commit."
                },
                "sourceCommit": {
                  "type": "string",
                  "id": 108,
                  "protoName": "source_commit"
                }
              },
              "comment": "Answers \"what would a release train do at this moment\"."
            },
            "ReleaseTrainEnvPrognosis": {
              "oneofs": {
                "outcome": {
                  "oneof": [
                    "skipCause",
                    "appsPrognoses"
                  ]
                }
              },
              "fields": {
                "skipCause": {
                  "type": "ReleaseTrainEnvSkipCause",
                  "id": 1,
                  "protoName": "skip_cause",
                  "comment": "The environment takes nothing."
                },
                "appsPrognoses": {
                  "type": "AppsPrognosesWrapper",
                  "id": 2,
                  "protoName": "apps_prognoses"
                },
                "envLocks": {
                  "keyType": "string",
                  "type": "Lock",
                  "id": 3,
                  "comment": "The locks behind ENV_IS_LOCKED, by id."
                },
                "upstream": {
                  "type": "string",
                  "id": 100,
                  "comment": "The environment that versions come from, or `latest`."
                },
                "reason": {
                  "type": "string",
                  "id": 101,
                  "comment": "Why the environment takes nothing, as a sentence."
                }
              },
              "nested": {
                "AppsPrognosesWrapper": {
                  "fields": {
                    "prognoses": {
                      "keyType": "string",
                      "type": "ReleaseTrainAppPrognosis",
                      "id": 1,
                      "comment": "By application."
                    }
                  }
                }
              }
            },
            "ReleaseTrainAppPrognosis": {
              "oneofs": {
                "outcome": {
                  "oneof": [
                    "skipCause",
                    "deployedVersion"
                  ]
                },
                "_fromVersion": {
                  "oneof": [
                    "fromVersion"
                  ]
                },
                "_queuedVersion": {
                  "oneof": [
                    "queuedVersion"
                  ]
                }
              },
              "fields": {
                "skipCause": {
                  "type": "ReleaseTrainAppSkipCause",
                  "id": 1,
                  "protoName": "skip_cause",
                  "comment": "The application stays."
                },
                "deployedVersion": {
                  "type": "ReleaseTrainPrognosisDeployedVersion",
                  "id": 2,
                  "protoName": "deployed_version",
                  "comment": "The version that travels."
                },
                "appLocks": {
                  "rule": "repeated",
                  "type": "Lock",
                  "id": 3,
                  "comment": "The locks behind APP_IS_LOCKED, in the order of their ids."
                },
                "teamLocks": {
                  "rule": "repeated",
                  "type": "Lock",
                  "id": 4,
                  "comment": "The locks behind TEAM_IS_LOCKED, in the order of their ids."
                },
                "fromVersion": {
                  "type": "uint64",
                  "id": 100,
                  "protoName": "from_version",
                  "options": {
                    "proto3_optional": true
                  },
                  "comment": "The version deployed before; absent when nothing was."
                },
                "team": {
                  "type": "string",
                  "id": 101,
                  "comment": "The application's team; absent when it has none."
                },
                "reason": {
                  "type": "string",
                  "id": 102,
                  "comment": "Why the application stays, as a sentence."
                },
                "queuedVersion": {
                  "type": "uint64",
                  "id": 103,
                  "protoName": "queued_version",
                  "options": {
                    "proto3_optional": true
                  },
                  "comment": "The version that a lock holds back: a train remembers it as the application's queued version."
                },
                "manifestDiff": {
                  "type": "string",
                  "id": 104,
                  "protoName": "manifest_diff",
                  "comment": "With `diff=true`: what changes in the manifest, as a unified diff. Absent where nothing travels or nothing changes."
                },
                "restored": {
                  "type": "bool",
                  "id": 105,
                  "comment": "In a replay: the release that travels has been removed since, and comes back."
                }
              }
            },
            "ReleaseTrainPrognosisDeployedVersion": {
              "fields": {
                "version": {
                  "type": "uint64",
                  "id": 1
                },
                "revision": {
                  "type": "uint64",
                  "id": 2,
                  "comment": "Always 0: Signalbox has no revisions."
                }
              }
            },
            "ReleaseTrainEnvSkipCause": {
              "values": {
                "ENV_HAS_NO_UPSTREAM": 0,
                "ENV_HAS_NO_UPSTREAM_LATEST_OR_UPSTREAM_ENV": 1,
                "ENV_HAS_BOTH_UPSTREAM_LATEST_AND_UPSTREAM_ENV": 2,
                "UPSTREAM_ENV_CONFIG_NOT_FOUND": 3,
                "ENV_IS_LOCKED": 4,
                "ENV_UNREADABLE": 100
              },
              "comments": {
                "ENV_UNREADABLE": "Its files, or those of its upstream, cannot be read."
              }
            },
            "ReleaseTrainAppSkipCause": {
              "values": {
                "APP_HAS_NO_VERSION_IN_UPSTREAM_ENV": 0,
                "APP_ALREADY_IN_UPSTREAM_VERSION": 1,
                "APP_IS_LOCKED": 2,
                "APP_DOES_NOT_EXIST_IN_ENV": 3,
                "APP_IS_LOCKED_BY_ENV": 4,
                "TEAM_IS_LOCKED": 5,
                "NO_TEAM_PERMISSION": 6,
                "APP_WITHOUT_TEAM": 7,
                "APP_UNREADABLE": 100
              },
              "comments": {
                "APP_IS_LOCKED_BY_ENV": "Never produced; part of Kuberpult's numbers.",
                "APP_WITHOUT_TEAM": "Never produced; part of Kuberpult's numbers.",
                "APP_UNREADABLE": "Its files, here or upstream, cannot be read."
              }
            },
            "ReleaseTrainResponse": {
              "fields": {
                "target": {
                  "type": "string",
                  "id": 1
                },
                "team": {
                  "type": "string",
                  "id": 2
                },
                "commit": {
                  "type": "string",
                  "id": 100,
                  "comment": "The commit that the train made; absent when it changed nothing."
                },
                "fingerprint": {
                  "type": "string",
                  "id": 101,
                  "comment": "The fingerprint of the prognosis that was run."
                },
                "environments": {
                  "keyType": "string",
                  "type": "ReleaseTrainEnvPrognosis",
                  "id": 102,
                  "comment": "What was deployed and what stayed, by environment."
                },
                "warnings": {
                  "rule": "repeated",
                  "type": "string",
                  "id": 103,
                  "comment": "What could not be taken into account, as sentences."
                },
                "gitTag": {
                  "type": "string",
                  "id": 104,
                  "protoName": "git_tag",
                  "comment": "The git tag that the commit got; absent when it got none."
                },
                "sourceGitTag": {
                  "type": "string",
                  "id": 105,
                  "protoName": "source_git_tag",
                  "comment": "Of a replay: the git tag whose commit the versions were taken from, and that commit."
                },
                "sourceCommit": {
                  "type": "string",
                  "id": 106,
                  "protoName": "source_commit"
                }
              },
              "comment": "Answers a release train that ran."
            },
            "Lock": {
              "fields": {
                "message": {
                  "type": "string",
                  "id": 1
                },
                "lockId": {
                  "type": "string",
                  "id": 3,
                  "protoName": "lock_id"
                },
                "createdAt": {
                  "type": "google.protobuf.Timestamp",
                  "id": 4,
                  "protoName": "created_at"
                },
                "createdBy": {
                  "type": "Actor",
                  "id": 5,
                  "protoName": "created_by"
                },
                "ciLink": {
                  "type": "string",
                  "id": 6,
                  "protoName": "ci_link",
                  "comment": "Where the pipeline that made the lock can be looked at."
                },
                "suggestedLifetime": {
                  "type": "string",
                  "id": 7,
                  "protoName": "suggested_lifetime",
                  "comment": "How long its author meant it to stay, such as `2d`."
                },
                "expiresAt": {
                  "type": "google.protobuf.Timestamp",
                  "id": 100,
                  "protoName": "expires_at",
                  "comment": "From this moment on the lock no longer holds; absent for a lock without an end."
                }
              }
            },
            "Actor": {
              "fields": {
                "name": {
                  "type": "string",
                  "id": 1
                },
                "email": {
                  "type": "string",
                  "id": 2
                }
              }
            },
            "Release": {
              "fields": {
                "version": {
                  "type": "uint64",
                  "id": 1
                },
                "sourceCommitId": {
                  "type": "string",
                  "id": 2,
                  "protoName": "source_commit_id"
                },
                "sourceAuthor": {
                  "type": "string",
                  "id": 3,
                  "protoName": "source_author"
                },
                "sourceMessage": {
                  "type": "string",
                  "id": 4,
                  "protoName": "source_message"
                },
                "createdAt": {
                  "type": "google.protobuf.Timestamp",
                  "id": 5,
                  "protoName": "created_at"
                },
                "undeployVersion": {
                  "type": "bool",
                  "id": 6,
                  "protoName": "undeploy_version",
                  "comment": "Marks the application as about to be removed."
                },
                "prNumber": {
                  "type": "string",
                  "id": 7,
                  "protoName": "pr_number",
                  "comment": "Digits of the last `(#…)` in the source message."
                },
                "displayVersion": {
                  "type": "string",
                  "id": 8,
                  "protoName": "display_version"
                },
                "isMinor": {
                  "type": "bool",
                  "id": 9,
                  "protoName": "is_minor"
                },
                "isPrepublish": {
                  "type": "bool",
                  "id": 10,
                  "protoName": "is_prepublish",
                  "comment": "Announced, but without manifests yet."
                },
                "environments": {
                  "rule": "repeated",
                  "type": "string",
                  "id": 11,
                  "comment": "The environments that it has a manifest for."
                },
                "ciLink": {
                  "type": "string",
                  "id": 12,
                  "protoName": "ci_link"
                },
                "unreadable": {
                  "type": "string",
                  "id": 100,
                  "comment": "Why the release cannot be read, as a sentence."
                },
                "deployedIn": {
                  "rule": "repeated",
                  "type": "string",
                  "id": 101,
                  "protoName": "deployed_in",
                  "comment": "The environments that it is deployed in."
                }
              }
            },
            "CreateReleaseResponse": {
              "oneofs": {
                "response": {
                  "oneof": [
                    "success",
                    "tooOld",
                    "tooLong",
                    "generalFailure",
                    "alreadyExistsSame",
                    "alreadyExistsDifferent",
                    "missingManifest",
                    "isNoDownstream"
                  ]
                }
              },
              "fields": {
                "success": {
                  "type": "CreateReleaseResponseSuccess",
                  "id": 1
                },
                "tooOld": {
                  "type": "CreateReleaseResponseTooOld",
                  "id": 2,
                  "protoName": "too_old"
                },
                "tooLong": {
                  "type": "CreateReleaseResponseAppNameTooLong",
                  "id": 3,
                  "protoName": "too_long"
                },
                "generalFailure": {
                  "type": "CreateReleaseResponseGeneralFailure",
                  "id": 4,
                  "protoName": "general_failure"
                },
                "alreadyExistsSame": {
                  "type": "CreateReleaseResponseAlreadyExistsSame",
                  "id": 5,
                  "protoName": "already_exists_same"
                },
                "alreadyExistsDifferent": {
                  "type": "CreateReleaseResponseAlreadyExistsDifferent",
                  "id": 6,
                  "protoName": "already_exists_different"
                },
                "missingManifest": {
                  "type": "CreateReleaseResponseMissingManifest",
                  "id": 7,
                  "protoName": "missing_manifest"
                },
                "isNoDownstream": {
                  "type": "CreateReleaseResponseIsNoDownstream",
                  "id": 8,
                  "protoName": "is_no_downstream"
                },
                "application": {
                  "type": "string",
                  "id": 100
                },
                "version": {
                  "type": "uint64",
                  "id": 101,
                  "comment": "The version that was created, or that was found to exist."
                },
                "commit": {
                  "type": "string",
                  "id": 102,
                  "comment": "The commit that made it; absent when nothing was changed."
                },
                "deployments": {
                  "rule": "repeated",
                  "type": "CreatedReleaseDeployment",
                  "id": 103,
                  "comment": "Where it was deployed at once, and where a lock keeps it waiting. Sorted by environment."
                },
                "removedVersions": {
                  "rule": "repeated",
                  "type": "uint64",
                  "id": 104,
                  "protoName": "removed_versions",
                  "comment": "Older releases that were removed, because nothing needs them any more."
                }
              },
              "comment": "Answers the creation of a release."
            },
            "CreateReleaseResponseSuccess": {
              "fields": {}
            },
            "CreateReleaseResponseTooOld": {
              "fields": {}
            },
            "CreateReleaseResponseAppNameTooLong": {
              "fields": {
                "appName": {
                  "type": "string",
                  "id": 1,
                  "protoName": "app_name"
                },
                "regExp": {
                  "type": "string",
                  "id": 2,
                  "protoName": "reg_exp"
                },
                "maxLen": {
                  "type": "uint32",
                  "id": 3,
                  "protoName": "max_len"
                }
              }
            },
            "CreateReleaseResponseGeneralFailure": {
              "fields": {
                "message": {
                  "type": "string",
                  "id": 1
                }
              }
            },
            "CreateReleaseResponseAlreadyExistsSame": {
              "fields": {}
            },
            "CreateReleaseResponseAlreadyExistsDifferent": {
              "fields": {
                "firstDifferingField": {
                  "type": "DifferingField",
                  "id": 1,
                  "protoName": "first_differing_field"
                },
                "diff": {
                  "type": "string",
                  "id": 2,
                  "comment": "Unified, from what exists to what was asked for."
                }
              }
            },
            "CreateReleaseResponseMissingManifest": {
              "fields": {
                "missingManifest": {
                  "rule": "repeated",
                  "type": "string",
                  "id": 1,
                  "protoName": "missing_manifest",
                  "comment": "The environments that it was to be deployed to, but has no manifest for."
                }
              }
            },
            "CreateReleaseResponseIsNoDownstream": {
              "fields": {
                "noDownstream": {
                  "rule": "repeated",
                  "type": "string",
                  "id": 1,
                  "protoName": "no_downstream",
                  "comment": "The environments that take the newest release by themselves, or do not exist."
                }
              }
            },
            "DifferingField": {
              "values": {
                "SOURCE_COMMIT_ID": 0,
                "SOURCE_AUTHOR": 1,
                "SOURCE_MESSAGE": 2,
                "SOURCE_REPO_URL": 3,
                "DISPLAY_VERSION": 4,
                "TEAM": 5,
                "MANIFESTS": 6
              },
              "comments": {}
            },
            "CreatedReleaseDeployment": {
              "oneofs": {
                "_fromVersion": {
                  "oneof": [
                    "fromVersion"
                  ]
                }
              },
              "fields": {
                "environment": {
                  "type": "string",
                  "id": 1
                },
                "queued": {
                  "type": "bool",
                  "id": 2,
                  "comment": "A lock holds it back there: it is remembered as the application's queued version."
                },
                "locks": {
                  "rule": "repeated",
                  "type": "Lock",
                  "id": 3,
                  "comment": "The locks behind that, in the order of their ids."
                },
                "fromVersion": {
                  "type": "uint64",
                  "id": 4,
                  "protoName": "from_version",
                  "options": {
                    "proto3_optional": true
                  },
                  "comment": "The version deployed before; absent when nothing was."
                },
                "reason": {
                  "type": "string",
                  "id": 5,
                  "comment": "Why it was not deployed, as a sentence; absent when it was."
                }
              }
            },
            "GetManifestsResponse": {
              "fields": {
                "release": {
                  "type": "Release",
                  "id": 1
                },
                "manifests": {
                  "keyType": "string",
                  "type": "Manifest",
                  "id": 2,
                  "comment": "By environment."
                }
              },
              "comment": "Answers which manifests a release has."
            },
            "Manifest": {
              "fields": {
                "environment": {
                  "type": "string",
                  "id": 1
                },
                "content": {
                  "type": "string",
                  "id": 2
                }
              }
            },
            "GetCommitDeploymentInfoResponse": {
              "fields": {
                "deploymentStatus": {
                  "keyType": "string",
                  "type": "AppCommitDeploymentStatus",
                  "id": 1,
                  "protoName": "deployment_status",
                  "comment": "By application."
                }
              },
              "comment": "Answers where the releases made from a commit are deployed."
            },
            "AppCommitDeploymentStatus": {
              "fields": {
                "deploymentStatus": {
                  "keyType": "string",
                  "type": "CommitDeploymentStatus",
                  "id": 1,
                  "protoName": "deployment_status",
                  "comment": "By environment."
                }
              }
            },
            "CommitDeploymentStatus": {
              "values": {
                "UNKNOWN": 0,
                "PENDING": 1,
                "DEPLOYED": 2
              },
              "comments": {
                "UNKNOWN": "No release made from the commit has a manifest for the environment.",
                "PENDING": "An older release, or none, is deployed there.",
                "DEPLOYED": "It, or a newer release, is deployed there."
              }
            },
            "EnvironmentConfig": {
              "oneofs": {
                "_environmentGroup": {
                  "oneof": [
                    "environmentGroup"
                  ]
                }
              },
              "fields": {
                "upstream": {
                  "type": "Upstream",
                  "id": 1
                },
                "argocd": {
                  "type": "ArgoCDEnvironmentConfiguration",
                  "id": 2,
                  "comment": "Where Argo CD is to apply it."
                },
                "environmentGroup": {
                  "type": "string",
                  "id": 3,
                  "protoName": "environment_group",
                  "options": {
                    "proto3_optional": true
                  }
                },
                "argoConfigs": {
                  "type": "ArgoCDConfigs",
                  "id": 4,
                  "protoName": "argo_configs",
                  "comment": "Where Argo CD is to apply it, in several clusters."
                },
                "isActiveActive": {
                  "type": "bool",
                  "id": 5,
                  "protoName": "is_active_active",
                  "options": {
                    "json_name": "isActiveActive"
                  }
                }
              },
              "nested": {
                "Upstream": {
                  "oneofs": {
                    "_environment": {
                      "oneof": [
                        "environment"
                      ]
                    },
                    "_latest": {
                      "oneof": [
                        "latest"
                      ]
                    }
                  },
                  "fields": {
                    "environment": {
                      "type": "string",
                      "id": 1,
                      "options": {
                        "proto3_optional": true
                      }
                    },
                    "latest": {
                      "type": "bool",
                      "id": 2,
                      "options": {
                        "proto3_optional": true
                      }
                    }
                  }
                }
              },
              "comment": "How an environment is configured; the same form is taken when one is created."
            },
            "ArgoCDConfigs": {
              "fields": {
                "configs": {
                  "rule": "repeated",
                  "type": "ArgoCDEnvironmentConfiguration",
                  "id": 1
                },
                "commonEnvPrefix": {
                  "type": "string",
                  "id": 2,
                  "protoName": "common_env_prefix"
                }
              }
            },
            "ArgoCDEnvironmentConfiguration": {
              "fields": {
                "syncWindows": {
                  "rule": "repeated",
                  "type": "SyncWindows",
                  "id": 1,
                  "protoName": "sync_windows"
                },
                "destination": {
                  "type": "Destination",
                  "id": 2
                },
                "accessList": {
                  "rule": "repeated",
                  "type": "AccessList",
                  "id": 3,
                  "protoName": "access_list"
                },
                "applicationAnnotations": {
                  "keyType": "string",
                  "type": "string",
                  "id": 4,
                  "protoName": "application_annotations"
                },
                "ignoreDifferences": {
                  "rule": "repeated",
                  "type": "IgnoreDifferences",
                  "id": 5,
                  "protoName": "ignore_differences"
                },
                "syncOptions": {
                  "rule": "repeated",
                  "type": "string",
                  "id": 6,
                  "protoName": "sync_options"
                },
                "concreteEnvName": {
                  "type": "string",
                  "id": 7,
                  "protoName": "concrete_env_name"
                }
              },
              "nested": {
                "SyncWindows": {
                  "fields": {
                    "kind": {
                      "type": "string",
                      "id": 1
                    },
                    "schedule": {
                      "type": "string",
                      "id": 2
                    },
                    "duration": {
                      "type": "string",
                      "id": 3
                    },
                    "applications": {
                      "rule": "repeated",
                      "type": "string",
                      "id": 4
                    }
                  }
                },
                "Destination": {
                  "oneofs": {
                    "_namespace": {
                      "oneof": [
                        "namespace"
                      ]
                    },
                    "_appProjectNamespace": {
                      "oneof": [
                        "appProjectNamespace"
                      ]
                    },
                    "_applicationNamespace": {
                      "oneof": [
                        "applicationNamespace"
                      ]
                    }
                  },
                  "fields": {
                    "name": {
                      "type": "string",
                      "id": 1
                    },
                    "server": {
                      "type": "string",
                      "id": 2
                    },
                    "namespace": {
                      "type": "string",
                      "id": 3,
                      "options": {
                        "proto3_optional": true
                      }
                    },
                    "appProjectNamespace": {
                      "type": "string",
                      "id": 4,
                      "protoName": "app_project_namespace",
                      "options": {
                        "proto3_optional": true
                      }
                    },
                    "applicationNamespace": {
                      "type": "string",
                      "id": 5,
                      "protoName": "application_namespace",
                      "options": {
                        "proto3_optional": true
                      }
                    }
                  }
                },
                "AccessList": {
                  "fields": {
                    "group": {
                      "type": "string",
                      "id": 1
                    },
                    "kind": {
                      "type": "string",
                      "id": 2
                    }
                  }
                },
                "IgnoreDifferences": {
                  "fields": {
                    "group": {
                      "type": "string",
                      "id": 1
                    },
                    "kind": {
                      "type": "string",
                      "id": 2
                    },
                    "name": {
                      "type": "string",
                      "id": 3
                    },
                    "namespace": {
                      "type": "string",
                      "id": 4
                    },
                    "jsonPointers": {
                      "rule": "repeated",
                      "type": "string",
                      "id": 5,
                      "protoName": "json_pointers"
                    },
                    "jqPathExpressions": {
                      "rule": "repeated",
                      "type": "string",
                      "id": 6,
                      "protoName": "jq_path_expressions"
                    },
                    "managedFieldsManagers": {
                      "rule": "repeated",
                      "type": "string",
                      "id": 7,
                      "protoName": "managed_fields_managers"
                    }
                  }
                }
              }
            }
          }
        }
      }
    },
    "google": {
      "nested": {
        "protobuf": {
          "nested": {
            "Timestamp": {
              "fields": {
                "seconds": {
                  "type": "int64",
                  "id": 1
                },
                "nanos": {
                  "type": "int32",
                  "id": 2
                }
              }
            }
          }
        }
      }
    },
    "signalbox": {
      "nested": {
        "v1": {
          "nested": {
            "ListEnvironmentGroupsResponse": {
              "fields": {
                "environmentGroups": {
                  "rule": "repeated",
                  "type": "EnvironmentGroup",
                  "id": 1,
                  "protoName": "environment_groups",
                  "comment": "Sorted by name."
                },
                "warnings": {
                  "rule": "repeated",
                  "type": "string",
                  "id": 2,
                  "comment": "What cannot be shown in its place, as sentences: environments whose group cannot be known, for example."
                },
                "commit": {
                  "type": "string",
                  "id": 3,
                  "comment": "The commit that this was read from; absent while the repository is empty."
                }
              }
            },
            "EnvironmentGroup": {
              "fields": {
                "name": {
                  "type": "string",
                  "id": 1
                },
                "environments": {
                  "rule": "repeated",
                  "type": "EnvironmentSummary",
                  "id": 2,
                  "comment": "Sorted by name."
                }
              }
            },
            "EnvironmentSummary": {
              "fields": {
                "name": {
                  "type": "string",
                  "id": 1
                },
                "upstream": {
                  "type": "Upstream",
                  "id": 2
                },
                "locks": {
                  "keyType": "string",
                  "type": "api.v1.Lock",
                  "id": 3,
                  "comment": "By id."
                },
                "warnings": {
                  "rule": "repeated",
                  "type": "string",
                  "id": 4,
                  "comment": "What makes a train to it impossible or surprising, as sentences."
                }
              }
            },
            "Upstream": {
              "fields": {
                "environment": {
                  "type": "string",
                  "id": 1,
                  "comment": "The environment whose versions it takes."
                },
                "latest": {
                  "type": "bool",
                  "id": 2,
                  "comment": "It takes the newest release of each application."
                }
              },
              "comment": "Where an environment's versions come from."
            },
            "Environment": {
              "fields": {
                "name": {
                  "type": "string",
                  "id": 1
                },
                "environmentGroup": {
                  "type": "string",
                  "id": 2,
                  "protoName": "environment_group",
                  "comment": "The name of its group: its own where it has none."
                },
                "upstream": {
                  "type": "Upstream",
                  "id": 3
                },
                "locks": {
                  "keyType": "string",
                  "type": "api.v1.Lock",
                  "id": 4,
                  "comment": "By id."
                },
                "teamLocks": {
                  "keyType": "string",
                  "type": "TeamLocks",
                  "id": 5,
                  "protoName": "team_locks",
                  "comment": "By team."
                },
                "applications": {
                  "rule": "repeated",
                  "type": "EnvironmentApplication",
                  "id": 6,
                  "comment": "Sorted by name."
                },
                "warnings": {
                  "rule": "repeated",
                  "type": "string",
                  "id": 7,
                  "comment": "What makes a train to it impossible or surprising, as sentences."
                },
                "commit": {
                  "type": "string",
                  "id": 8,
                  "comment": "The commit that this was read from."
                }
              }
            },
            "TeamLocks": {
              "fields": {
                "locks": {
                  "keyType": "string",
                  "type": "api.v1.Lock",
                  "id": 1,
                  "comment": "By id."
                }
              }
            },
            "EnvironmentApplication": {
              "oneofs": {
                "_version": {
                  "oneof": [
                    "version"
                  ]
                },
                "_queuedVersion": {
                  "oneof": [
                    "queuedVersion"
                  ]
                }
              },
              "fields": {
                "name": {
                  "type": "string",
                  "id": 1
                },
                "team": {
                  "type": "string",
                  "id": 2
                },
                "version": {
                  "type": "uint64",
                  "id": 3,
                  "options": {
                    "proto3_optional": true
                  },
                  "comment": "Absent when nothing is deployed."
                },
                "queuedVersion": {
                  "type": "uint64",
                  "id": 4,
                  "protoName": "queued_version",
                  "options": {
                    "proto3_optional": true
                  },
                  "comment": "The version that a lock held back."
                },
                "locks": {
                  "keyType": "string",
                  "type": "api.v1.Lock",
                  "id": 5,
                  "comment": "By id."
                },
                "unreadable": {
                  "rule": "repeated",
                  "type": "string",
                  "id": 6,
                  "comment": "Why some of this cannot be read, as sentences."
                }
              }
            },
            "ListApplicationsResponse": {
              "fields": {
                "applications": {
                  "rule": "repeated",
                  "type": "ApplicationSummary",
                  "id": 1,
                  "comment": "Sorted by name."
                },
                "commit": {
                  "type": "string",
                  "id": 2,
                  "comment": "The commit that this was read from; absent while the repository is empty."
                },
                "warnings": {
                  "rule": "repeated",
                  "type": "string",
                  "id": 3,
                  "comment": "What cannot be shown in its place, as sentences."
                }
              }
            },
            "ApplicationSummary": {
              "oneofs": {
                "_latestVersion": {
                  "oneof": [
                    "latestVersion"
                  ]
                }
              },
              "fields": {
                "name": {
                  "type": "string",
                  "id": 1
                },
                "team": {
                  "type": "string",
                  "id": 2
                },
                "latestVersion": {
                  "type": "uint64",
                  "id": 3,
                  "protoName": "latest_version",
                  "options": {
                    "proto3_optional": true
                  },
                  "comment": "The highest version that is not a pre-publish."
                },
                "deployments": {
                  "rule": "repeated",
                  "type": "Deployment",
                  "id": 4,
                  "comment": "Sorted by environment."
                },
                "unreadable": {
                  "rule": "repeated",
                  "type": "string",
                  "id": 5,
                  "comment": "Why some of this cannot be read, as sentences."
                }
              }
            },
            "Deployment": {
              "fields": {
                "environment": {
                  "type": "string",
                  "id": 1
                },
                "version": {
                  "type": "uint64",
                  "id": 2
                }
              }
            },
            "Application": {
              "fields": {
                "name": {
                  "type": "string",
                  "id": 1
                },
                "team": {
                  "type": "string",
                  "id": 2
                },
                "sourceRepoUrl": {
                  "type": "string",
                  "id": 3,
                  "protoName": "source_repo_url"
                },
                "releases": {
                  "rule": "repeated",
                  "type": "api.v1.Release",
                  "id": 4,
                  "comment": "Newest first."
                },
                "deployments": {
                  "rule": "repeated",
                  "type": "Deployment",
                  "id": 5,
                  "comment": "Sorted by environment."
                },
                "unreadable": {
                  "rule": "repeated",
                  "type": "string",
                  "id": 6,
                  "comment": "Why some of this cannot be read, as sentences."
                },
                "commit": {
                  "type": "string",
                  "id": 7,
                  "comment": "The commit that this was read from."
                }
              }
            },
            "ListLocksResponse": {
              "fields": {
                "locks": {
                  "rule": "repeated",
                  "type": "ListedLock",
                  "id": 1,
                  "comment": "Sorted by environment, kind (environment, application, team), application or team, and id."
                },
                "warnings": {
                  "rule": "repeated",
                  "type": "string",
                  "id": 2,
                  "comment": "What cannot be shown in its place, as sentences: locks that cannot be read, for example."
                },
                "commit": {
                  "type": "string",
                  "id": 3,
                  "comment": "The commit that this was read from; absent while the repository is empty."
                }
              }
            },
            "ListedLock": {
              "fields": {
                "kind": {
                  "type": "string",
                  "id": 1,
                  "comment": "What is locked: `environment`, `application` or `team`. A group's lock is one of each of its environments."
                },
                "environment": {
                  "type": "string",
                  "id": 2
                },
                "application": {
                  "type": "string",
                  "id": 3,
                  "comment": "Only where the kind is `application`."
                },
                "team": {
                  "type": "string",
                  "id": 4,
                  "comment": "Only where the kind is `team`."
                },
                "lock": {
                  "type": "api.v1.Lock",
                  "id": 5
                },
                "ended": {
                  "type": "bool",
                  "id": 6,
                  "comment": "It no longer holds. Its files go with the next commit to its environment."
                }
              }
            },
            "DeployReleaseResponse": {
              "oneofs": {
                "_fromVersion": {
                  "oneof": [
                    "fromVersion"
                  ]
                }
              },
              "fields": {
                "environment": {
                  "type": "string",
                  "id": 1
                },
                "application": {
                  "type": "string",
                  "id": 2
                },
                "version": {
                  "type": "uint64",
                  "id": 3,
                  "comment": "What was asked for."
                },
                "outcome": {
                  "type": "string",
                  "id": 4,
                  "comment": "`deployed`, `queued` (a lock holds it back, and it is remembered), or `unchanged` (it was so already)."
                },
                "fromVersion": {
                  "type": "uint64",
                  "id": 5,
                  "protoName": "from_version",
                  "options": {
                    "proto3_optional": true
                  },
                  "comment": "The version deployed before; absent when nothing was."
                },
                "locks": {
                  "rule": "repeated",
                  "type": "ListedLock",
                  "id": 6,
                  "comment": "The locks that stood in the way, whether they were heeded or not. In the order of their ids."
                },
                "removedVersions": {
                  "rule": "repeated",
                  "type": "uint64",
                  "id": 7,
                  "protoName": "removed_versions",
                  "comment": "Older releases that were removed, because nothing needs them any more."
                },
                "commit": {
                  "type": "string",
                  "id": 8,
                  "comment": "The commit that it made; absent when it changed nothing."
                }
              },
              "comment": "Answers a deployment that a person or a pipeline asked for."
            },
            "RemoveApplicationResponse": {
              "oneofs": {
                "_fromVersion": {
                  "oneof": [
                    "fromVersion"
                  ]
                }
              },
              "fields": {
                "environment": {
                  "type": "string",
                  "id": 1
                },
                "application": {
                  "type": "string",
                  "id": 2
                },
                "fromVersion": {
                  "type": "uint64",
                  "id": 3,
                  "protoName": "from_version",
                  "options": {
                    "proto3_optional": true
                  },
                  "comment": "The version that was deployed there; absent when nothing was."
                },
                "commit": {
                  "type": "string",
                  "id": 4,
                  "comment": "The commit that it made; absent when it changed nothing."
                }
              },
              "comment": "Answers the removal of an application from one environment."
            },
            "CreateUndeployReleaseResponse": {
              "fields": {
                "application": {
                  "type": "string",
                  "id": 1
                },
                "version": {
                  "type": "uint64",
                  "id": 2
                },
                "deployments": {
                  "rule": "repeated",
                  "type": "api.v1.CreatedReleaseDeployment",
                  "id": 3,
                  "comment": "Where it was deployed at once, and where a lock keeps it waiting. Sorted by environment."
                },
                "removedVersions": {
                  "rule": "repeated",
                  "type": "uint64",
                  "id": 4,
                  "protoName": "removed_versions"
                },
                "commit": {
                  "type": "string",
                  "id": 5
                }
              },
              "comment": "Answers the creation of an undeploy release: one with empty manifests, which trains carry like any other."
            },
            "DeleteApplicationResponse": {
              "fields": {
                "application": {
                  "type": "string",
                  "id": 1
                },
                "environments": {
                  "rule": "repeated",
                  "type": "string",
                  "id": 2,
                  "comment": "The environments that knew it, sorted by name."
                },
                "commit": {
                  "type": "string",
                  "id": 3
                }
              },
              "comment": "Answers the deletion of an application."
            },
            "EnvironmentChangeResponse": {
              "fields": {
                "environment": {
                  "type": "string",
                  "id": 1
                },
                "dryrun": {
                  "type": "bool",
                  "id": 2,
                  "comment": "Nothing was changed: this is what would have been."
                },
                "warnings": {
                  "rule": "repeated",
                  "type": "string",
                  "id": 3,
                  "comment": "What makes a train to it, or because of it, impossible or surprising, as sentences."
                },
                "commit": {
                  "type": "string",
                  "id": 4,
                  "comment": "The commit that it made; absent when it changed nothing."
                }
              },
              "comment": "Answers the creation, the change or the deletion of an environment."
            },
            "GetDeployedCommitResponse": {
              "fields": {
                "author": {
                  "type": "string",
                  "id": 1
                },
                "commitId": {
                  "type": "string",
                  "id": 2,
                  "protoName": "commit_id"
                },
                "commitMessage": {
                  "type": "string",
                  "id": 3,
                  "protoName": "commit_message"
                }
              },
              "comment": "Answers which commit of the sources is deployed; empty when nothing is."
            },
            "GetDeploymentHistoryResponse": {
              "fields": {
                "environment": {
                  "type": "string",
                  "id": 1
                },
                "application": {
                  "type": "string",
                  "id": 2
                },
                "events": {
                  "rule": "repeated",
                  "type": "DeploymentEvent",
                  "id": 3,
                  "comment": "Newest first."
                },
                "nextPageToken": {
                  "type": "string",
                  "id": 4,
                  "protoName": "next_page_token",
                  "comment": "Ask for what came before with this as `pageToken`, again and again until it is absent: a page may be short, or empty,\nbecause enough commits were looked at for one answer."
                },
                "truncated": {
                  "type": "bool",
                  "id": 5,
                  "comment": "This is as far back as the repository goes, because it is a shallow clone: there may have been more."
                }
              }
            },
            "DeploymentEvent": {
              "oneofs": {
                "_version": {
                  "oneof": [
                    "version"
                  ]
                },
                "_fromVersion": {
                  "oneof": [
                    "fromVersion"
                  ]
                }
              },
              "fields": {
                "version": {
                  "type": "uint64",
                  "id": 1,
                  "options": {
                    "proto3_optional": true
                  },
                  "comment": "What has been deployed since; absent when it was removed, or its link leads to no release."
                },
                "fromVersion": {
                  "type": "uint64",
                  "id": 2,
                  "protoName": "from_version",
                  "options": {
                    "proto3_optional": true
                  },
                  "comment": "What had been deployed before; absent when nothing was, or its link led to no release."
                },
                "at": {
                  "type": "google.protobuf.Timestamp",
                  "id": 3,
                  "comment": "When the commit's author says it was made."
                },
                "by": {
                  "type": "api.v1.Actor",
                  "id": 4,
                  "comment": "The commit's author."
                },
                "commit": {
                  "type": "string",
                  "id": 5
                },
                "command": {
                  "type": "string",
                  "id": 6,
                  "comment": "What was asked for, such as `release-train`, `deploy` or `create-release`; absent when somebody else made the commit."
                },
                "trainTarget": {
                  "type": "string",
                  "id": 7,
                  "protoName": "train_target",
                  "comment": "Of a train: its target, such as `environment staging` or `group production`."
                },
                "trainTeam": {
                  "type": "string",
                  "id": 8,
                  "protoName": "train_team",
                  "comment": "Of a train: its team; absent when it was for all."
                },
                "requestId": {
                  "type": "string",
                  "id": 9,
                  "protoName": "request_id",
                  "comment": "The request that asked for it; absent when somebody else made the commit."
                },
                "subject": {
                  "type": "string",
                  "id": 10,
                  "comment": "The first line of the commit's message."
                },
                "claimed": {
                  "type": "bool",
                  "id": 11,
                  "comment": "The author is what the caller said of itself: nobody had checked it."
                },
                "gitTag": {
                  "type": "string",
                  "id": 12,
                  "protoName": "git_tag",
                  "comment": "The git tag that the commit got; absent when it got none, or somebody else made the commit."
                },
                "sourceGitTag": {
                  "type": "string",
                  "id": 13,
                  "protoName": "source_git_tag",
                  "comment": "Of a train that was a replay: the git tag whose commit the versions were taken from."
                }
              },
              "comment": "A commit that changed which version of an application is deployed in an environment. A merge counts as one commit: what\nit changed in the branch that it was made on."
            },
            "WhoAmIResponse": {
              "fields": {
                "name": {
                  "type": "string",
                  "id": 1,
                  "comment": "Who stands in the commits that they make."
                },
                "email": {
                  "type": "string",
                  "id": 2
                },
                "claimed": {
                  "type": "bool",
                  "id": 3,
                  "comment": "Name and email are what the caller says of itself: nobody has checked it."
                },
                "id": {
                  "type": "string",
                  "id": 4,
                  "comment": "Identifies them in logs: the issuer and its name for them, or `anonymous` where nobody is asked who they are."
                },
                "roles": {
                  "rule": "repeated",
                  "type": "string",
                  "id": 5,
                  "comment": "Sorted."
                },
                "teams": {
                  "rule": "repeated",
                  "type": "string",
                  "id": 6,
                  "comment": "The teams whose applications they may act for; `*` stands for all."
                },
                "permissions": {
                  "rule": "repeated",
                  "type": "Permission",
                  "id": 7
                }
              },
              "comment": "Who asks, and what they may do."
            },
            "CheckPermissionResponse": {
              "oneofs": {
                "_allowed": {
                  "oneof": [
                    "allowed"
                  ]
                }
              },
              "fields": {
                "action": {
                  "type": "string",
                  "id": 1,
                  "comment": "Such as `DeployRelease`."
                },
                "environment": {
                  "type": "string",
                  "id": 2
                },
                "application": {
                  "type": "string",
                  "id": 3,
                  "comment": "Absent: the environment as a whole, or whatever application."
                },
                "allowed": {
                  "type": "bool",
                  "id": 4,
                  "options": {
                    "proto3_optional": true
                  }
                },
                "reason": {
                  "type": "string",
                  "id": 5,
                  "comment": "Why, or why not, for people."
                },
                "team": {
                  "type": "string",
                  "id": 6,
                  "comment": "Of the release, or whose lock it is about; absent where none was named."
                }
              },
              "comment": "Whether the principal may do an action in an environment, as the command that does it would decide."
            },
            "SignInResponse": {
              "fields": {
                "mode": {
                  "type": "string",
                  "id": 1,
                  "comment": "`none`: nobody is asked who they are. `oidc`: callers send a token of the issuer."
                },
                "issuer": {
                  "type": "string",
                  "id": 2,
                  "comment": "The issuer of people's tokens, with `oidc`."
                },
                "clientId": {
                  "type": "string",
                  "id": 3,
                  "protoName": "client_id",
                  "comment": "The public client for the device flow (RFC 8628); absent where there is none."
                },
                "scopes": {
                  "rule": "repeated",
                  "type": "string",
                  "id": 4,
                  "comment": "What to ask the issuer for."
                }
              },
              "comment": "How a program signs somebody in: it finds the rest at the issuer, by OIDC discovery."
            },
            "Permission": {
              "fields": {
                "action": {
                  "type": "string",
                  "id": 1,
                  "comment": "Such as `DeployReleaseTrain`."
                },
                "environmentGroup": {
                  "type": "string",
                  "id": 2,
                  "protoName": "environment_group"
                },
                "environment": {
                  "type": "string",
                  "id": 3
                },
                "application": {
                  "type": "string",
                  "id": 4
                }
              },
              "comment": "One line of the policy: `*` stands for all."
            },
            "Health": {
              "fields": {
                "status": {
                  "type": "string",
                  "id": 1,
                  "comment": "`ok`, `degraded` (reads are served; see the reasons) or `unavailable`."
                },
                "reasons": {
                  "rule": "repeated",
                  "type": "string",
                  "id": 2
                },
                "commit": {
                  "type": "string",
                  "id": 3,
                  "comment": "The commit that reads are served from; absent while the repository is empty."
                }
              },
              "comment": "What `/healthz` and `/readyz` answer."
            },
            "Problem": {
              "fields": {
                "type": {
                  "type": "string",
                  "id": 1,
                  "comment": "`about:blank`: the code says which problem it is."
                },
                "title": {
                  "type": "string",
                  "id": 2,
                  "comment": "The status in words."
                },
                "status": {
                  "type": "int32",
                  "id": 3
                },
                "detail": {
                  "type": "string",
                  "id": 4,
                  "comment": "What is wrong and what to do, for people."
                },
                "code": {
                  "type": "string",
                  "id": 5,
                  "comment": "What is wrong, for programs: it never changes its meaning."
                },
                "requestId": {
                  "type": "string",
                  "id": 6,
                  "protoName": "request_id",
                  "comment": "Stands in the log and in the commits of this request."
                },
                "errors": {
                  "rule": "repeated",
                  "type": "InvalidPart",
                  "id": 7,
                  "comment": "Every invalid part of the request."
                },
                "fingerprint": {
                  "type": "string",
                  "id": 8,
                  "comment": "With code PROGNOSIS_CHANGED: the fingerprint of the prognosis at this moment."
                },
                "prognosis": {
                  "type": "api.v1.GetReleaseTrainPrognosisResponse",
                  "id": 9,
                  "comment": "With code PROGNOSIS_CHANGED: the prognosis at this moment."
                },
                "locks": {
                  "rule": "repeated",
                  "type": "ListedLock",
                  "id": 10,
                  "comment": "With code LOCKED: the locks that stand in the way."
                }
              },
              "comment": "RFC 9457: the body of every answer that is an error, as `application/problem+json`."
            },
            "InvalidPart": {
              "fields": {
                "path": {
                  "type": "string",
                  "id": 1,
                  "comment": "Where: `query.team`, `body.ciLink`, ..."
                },
                "message": {
                  "type": "string",
                  "id": 2
                }
              }
            }
          }
        }
      }
    }
  }
}
